"""The house's own rules: imports go one way, and collecting needs little."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FLOORS = ("models", "bench", "fixtures", "tests")
MAY_IMPORT = {
    "models": {"models"},
    "bench": {"models", "bench"},
    "fixtures": {"models", "bench", "fixtures"},
    "tests": {"models", "bench", "fixtures", "tests"},
}
WITHOUT_PYTEST = ("models", "bench/android", "bench/operators", "bench/ratios", "bench/report")
TENSORFLOW = {"tensorflow", "keras"}


def _modules():
    return [path for floor in FLOORS for path in sorted((ROOT / floor).rglob("*.py"))]


def _imports(path: Path, *, at_the_top_only: bool = False) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if at_the_top_only else ast.walk(tree)
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module)
    return found


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path):
    floor = path.relative_to(ROOT).parts[0]
    ours = {name.partition(".")[0] for name in _imports(path)} & {*FLOORS, "conftest"}
    assert ours <= MAY_IMPORT[floor]


@pytest.mark.parametrize(
    "path",
    [path for folder in WITHOUT_PYTEST for path in sorted((ROOT / folder).rglob("*.py"))],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_measuring_code_knows_nothing_of_pytest(path):
    assert "pytest" not in {name.partition(".")[0] for name in _imports(path)}


def _runs(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_collecting_the_benchmarks_imports_no_tensorflow_and_little_else():
    loaded = _runs(
        "import pytest, sys\n"
        "assert pytest.main(['--collect-only', '-qq', 'bench']) == 0\n"
        "print('LOADED', *{name.partition('.')[0] for name in sys.modules})\n"
    )
    names = set(loaded.rpartition("LOADED")[2].split())
    assert not names & {*TENSORFLOW, "matplotlib", "scipy", "adbutils"}


def test_running_a_benchmark_needs_neither_tensorflow_nor_the_data_set():
    _runs(
        "import pytest, sys\n"
        "sys.modules['tensorflow'] = sys.modules['keras'] = None\n"  # importing them raises
        "status = pytest.main(['-q', 'bench/test_host_inference.py', '--benchmark-only',"
        " '--rounds=2', '--architecture=mobilenet_v2', '--fruits360=/nowhere'])\n"
        "assert status == 0, status\n"
    )


def test_plain_ids(request):
    """Ids such as test_classify[alexnet-float32-litert] are what stored results are named by."""
    out = _runs("import pytest; pytest.main(['--collect-only', '-q', 'bench'])")
    assert "bench/test_host_inference.py::test_classify[alexnet-float32-litert]" in out.split()
