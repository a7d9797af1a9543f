"""The house's own rules: imports go one way, files are short, there is little in all."""

import ast
import re
from pathlib import Path, PurePosixPath

from tests.house.imports import circles, imported_names, read_graph, upward
from tests.house.sizes import PROOFS, Size, sizes, total

ROOT = Path(__file__).parents[2]
PRODUCT = ("models", "bench", "fixtures")
FLOORS = (*PRODUCT, "tests")
ROOMS = (
    "tests", "conftest.py", "bench/test_*.py", "fixtures", "bench/__main__.py",
    "bench/emulated_phone", "bench/report",
    "bench/gate", "bench/gate/judge", "bench/gate/measure", "bench/history",
    "bench/brought_in.py", "bench/operators.py", "bench/ratios.py", "bench/android",
    "bench/android/tool", "bench/android/phone", "bench/android/adb", "bench/host.py",
    "bench/statistics",
    "bench/figures.py", "bench/tables.py", "bench/results", "bench",
    "models/__main__.py", "models/commands", "models/judging", "models/training",
    "models/conversion.py", "models/terminal", "models/running", "models/files",
    "models/preprocessing", "models/data",
    "models/architectures", "models/zoo.py", "models",
)  # fmt: skip
"""From the roof down: an import never goes to what stands earlier in the list."""

KNOW_PYTEST = ("bench/test_", "bench/gate/measure/inside/", "bench/results/")
"""Of models/ and bench/, only these may import pytest."""

ENTER_THE_EMULATED_PHONE = ("bench/emulated_phone/", "fixtures/", "tests/")
LINES, BENCHMARK_LINES = 500, 100
PRODUCT_LINES, PRODUCT_FILES, TEST_LINES = 24_420, 165, 16_410
GRAPH = read_graph(ROOT, FLOORS)


def test_no_file_and_no_folder_imports_in_a_circle():
    assert not list(circles(GRAPH))


def test_no_import_runs_up():
    assert not list(upward(GRAPH, ROOMS))


def test_each_room_stands_in_the_list():
    """Else the test above would say nothing of it."""
    rooms = {file.rsplit("/", 1)[0] for file in GRAPH if file.startswith(("models/", "bench/"))}
    listed = {*ROOMS, "bench/gate/measure/inside"}
    assert rooms <= listed
    assert not [room for room in ROOMS if not list(ROOT.glob(room))]


def test_the_tree_on_the_page_is_this_one():
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(r"^(?:    )?([\w.]+)/? +", page.split("```")[3], re.MULTILINE)
    rooms = [path for floor in FLOORS[:3] for path in (ROOT / floor).iterdir() if path.is_dir()]
    assert {path.name for path in rooms if path.name[0] not in "._"} <= {*named}
    assert all(any((ROOT / floor / each).exists() for floor in (*FLOORS, ".")) for each in named)


def test_measuring_code_knows_nothing_of_pytest():
    names = {
        file: imported_names(ROOT / file)
        for file in GRAPH
        if file.startswith(("models/", "bench/")) and not file.startswith(KNOW_PYTEST)
    }
    assert not [file for file, found in names.items() if any("pytest" in each for each in found)]


def test_only_tests_enter_the_emulated_phone():
    entering = [
        file
        for file, imported in GRAPH.items()
        if any(other.startswith("bench/emulated_phone/") for other in imported)
    ]
    assert not [file for file in entering if not file.startswith(ENTER_THE_EMULATED_PHONE)]


def test_the_product_is_small():
    product = total(sizes(ROOT), *PRODUCT, "conftest.py")
    assert product.lines <= PRODUCT_LINES
    assert len(product.files_lines) <= PRODUCT_FILES


def test_the_tests_are_smaller_than_the_product():
    """What proves a claim once does not count."""
    rooms = {room: size for room, size in sizes(ROOT).items() if room != PROOFS}
    assert total(rooms, "tests").lines <= TEST_LINES


def test_no_file_is_long():
    lines = {file: len((ROOT / file).read_text(encoding="utf-8").splitlines()) for file in GRAPH}
    assert not {
        file: count
        for file, count in lines.items()
        if count > (BENCHMARK_LINES if file.startswith("bench/test_") else LINES)
    }


def test_a_module_does_not_repeat_its_folder():
    assert not [file for file in GRAPH if file.startswith(PRODUCT) and repeats_its_folder(file)]


def repeats_its_folder(file: str) -> bool:
    """Whether a module takes up a word of its folder's name, in singular or plural."""
    folder, name = PurePosixPath(file).with_suffix("").parts[-2:]
    words = [{word.removesuffix("s") for word in each.split("_")} for each in (folder, name)]
    return bool(words[0] & words[1])


def test_a_folder_says_what_it_does_and_whom_it_calls():
    """Rooms by their names; those of another floor, all of them, by the floor's."""
    faults = {}
    rooms = {Path(other).parent.name for other in GRAPH} | {"zoo"}
    for file in GRAPH:
        folder = file.removesuffix("/__init__.py")
        if folder == file or not file.startswith(PRODUCT):
            continue
        said = ast.get_docstring(ast.parse((ROOT / file).read_text(encoding="utf-8"))) or ""
        named = re.search(r"\bIt calls (.*?)[.;]", said, re.DOTALL)
        called = {
            _called(folder, other)
            for own, imported in GRAPH.items()
            if own.rpartition("/")[0] == folder
            for other in imported
        } - {None}
        if not said or (folder not in PRODUCT and not named):
            faults[file] = "it does not say what it does and whom it calls"
        elif folder not in PRODUCT and {*re.findall(r"\w+", named[1])} & rooms != called:
            faults[file] = f"it calls {called or 'nothing'}"
    assert not faults


def _called(folder: str, other: str) -> str | None:
    """Return what a folder calls a file that it imports; None for one of its own or its floor's."""
    floor, room = folder.split("/")[0], other.rpartition("/")[0]
    if not other.startswith(f"{floor}/"):
        return other.split("/")[0]
    if other == "models/zoo.py":
        return "zoo"
    return None if room == floor or f"{room}/".startswith(f"{folder}/") else Path(room).name


class TestTheRulesCanFail:
    """The same checks on small trees that break them."""

    @staticmethod
    def graph(root: Path, files: dict[str, str]):
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return read_graph(root, ["a"])

    def test_a_circle_of_files(self, tmp_path):
        files = {"a/one.py": "import a.two", "a/two.py": "def f():\n    from a import one"}
        assert {*circles(self.graph(tmp_path, files))} == {"a/one.py -> a/two.py -> a/one.py"}

    def test_a_circle_of_folders_whose_files_make_none(self, tmp_path):
        files = {
            "a/x/one.py": "import a.y.one", "a/y/one.py": "",
            "a/y/two.py": "from a.x.two import f", "a/x/two.py": "f = 1",
        }  # fmt: skip
        assert list(circles(self.graph(tmp_path, files))) == ["a/x -> a/y -> a/x"]

    def test_a_folder_that_imports_the_file_above_it(self, tmp_path):
        files = {"a/x/one.py": "import a.errors", "a/errors.py": "import a.x.two", "a/x/two.py": ""}
        assert list(circles(self.graph(tmp_path, files))) == ["a/errors.py -> a/x -> a/errors.py"]

    def test_an_import_that_runs_up(self, tmp_path):
        files = {"a/low/one.py": "from a.high import one", "a/high/one.py": ""}
        graph = self.graph(tmp_path, files)
        assert len(list(upward(graph, ["a/high", "a/low"]))) == 1
        assert not list(upward(graph, ["a/low", "a/high"]))

    def test_a_pattern_stands_above_the_rest_of_its_folder(self, tmp_path):
        files = {"a/test_one.py": "import a.two", "a/two.py": "import a.test_one"}
        graph = self.graph(tmp_path, files)
        expected = ["a/two.py imports a/test_one.py, which stands above it"]
        assert list(upward(graph, ["a/test_*.py", "a"])) == expected

    def test_a_module_that_repeats_its_folder(self):
        repeating = ("bench/gate/gate_worker.py", "models/files/file.py", "models/data/data.py")
        sound = ("bench/gate/measure.py", "models/zoo.py", "bench/test_stages.py")
        assert all(map(repeats_its_folder, repeating))
        assert not any(map(repeats_its_folder, sound))

    def test_sizes_are_counted(self, tmp_path):
        files = {"a/x/one.py": "import a\nfrom a import (\n    b,\n)\n", "a/x/y/two.py": ""}
        self.graph(tmp_path, files)
        assert sizes(tmp_path, ["a"]) == {"a/x": Size([4, 0], 4)}
