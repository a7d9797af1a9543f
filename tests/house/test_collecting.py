"""Collecting and running the benchmarks needs little."""

from tests.processes import python

TENSORFLOW = {"tensorflow", "keras"}
NO_DEVICE = {"ADB_SERVER_SOCKET": "tcp:localhost:1", "ANDROID_SERIAL": ""}
"""No adb server answers there; one that does is asked for its devices, by adbutils."""


def _runs(code: str) -> str:
    done = python("-c", code, **NO_DEVICE)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_collecting_the_benchmarks_imports_no_tensorflow_and_little_else():
    loaded = _runs(
        "import pytest, sys\n"
        "assert pytest.main(['--collect-only', '-qq', 'bench']) == 0\n"
        "print('LOADED', *{name.partition('.')[0] for name in sys.modules})\n"
    )
    names = set(loaded.rpartition("LOADED")[2].split())
    needless = names & {*TENSORFLOW, "matplotlib", "scipy", "adbutils"}
    assert not needless


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
