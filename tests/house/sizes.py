"""How large the rooms are: `python -m tests.house.sizes`."""

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

FLOORS = ("models", "bench", "fixtures", "conftest.py", "tests")
PROOFS = "tests/proofs"


@dataclass
class Size:
    """The lines of each file of a room, and how many of them are import statements."""

    files_lines: list[int] = field(default_factory=list)
    import_lines: int = 0

    @property
    def lines(self) -> int:
        """Of all files."""
        return sum(self.files_lines)

    def __str__(self) -> str:
        """Say lines, files, the median file and the share of imports."""
        middle, imports = median(self.files_lines), self.import_lines / max(1, self.lines)
        files = len(self.files_lines)
        return f"{self.lines:6} lines {files:4} files, median {middle:3.0f}, imports {imports:.1%}"


def sizes(root: Path, floors: Iterable[str] = FLOORS) -> dict[str, Size]:
    """Return the size of each folder right below a floor; of tests, all but its proofs is one."""
    rooms: dict[str, Size] = {}
    for floor in floors:
        top = root / floor
        for path in [top] if top.is_file() else sorted(top.rglob("*.py")):
            size = rooms.setdefault(_room(path.relative_to(root).as_posix()), Size())
            text = path.read_text(encoding="utf-8")
            size.files_lines.append(len(text.splitlines()))
            size.import_lines += sum(
                (node.end_lineno or node.lineno) - node.lineno + 1
                for node in ast.walk(ast.parse(text))
                if isinstance(node, (ast.Import, ast.ImportFrom))
            )
    return rooms


def total(rooms: Mapping[str, Size], *floors: str) -> Size:
    """Return the size of all rooms of these floors together."""
    chosen = [size for room, size in rooms.items() if room.split("/")[0] in floors]
    return Size(
        [lines for size in chosen for lines in size.files_lines],
        sum(size.import_lines for size in chosen),
    )


def _room(file: str) -> str:
    if file.startswith("tests/"):
        return PROOFS if file.startswith(f"{PROOFS}/") else "tests"
    first, *rest = file.split("/")
    return f"{first}/{rest[0]}" if len(rest) > 1 else first


if __name__ == "__main__":
    rooms = sizes(Path(__file__).parents[2])
    for room, size in {**rooms, "product": total(rooms, *FLOORS[:-1])}.items():
        print(f"{room:24} {size}")
