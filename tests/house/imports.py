"""Who imports whom in a tree of Python files, and what is wrong with it: read, never run."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

Graph = dict[str, set[str]]
"""By a file's path from the root, the paths of the files that it imports."""


def read_graph(root: Path, floors: Iterable[str]) -> Graph:
    """Return the imports between the Python files of these folders."""
    files = {
        path.relative_to(root).as_posix(): path
        for floor in floors
        for path in sorted((root / floor).rglob("*.py"))
    }
    by_module = {_module(file): file for file in files}
    return {
        file: {by_module[name] for name in imported_names(path) if name in by_module} - {file}
        for file, path in files.items()
    }


def imported_names(path: Path) -> set[str]:
    """Return the dotted names that a file imports: modules, and what it takes out of them."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def circles(graph: Mapping[str, set[str]]) -> Iterator[str]:
    """Say which files, and which folders of one folder, import each other, directly or round."""
    yield from _circle_lines(graph)
    for folder in sorted({str(parent) for file in graph for parent in PurePosixPath(file).parents}):
        yield from _circle_lines(_inside(graph, folder))


def upward(graph: Mapping[str, set[str]], rooms: Iterable[str]) -> Iterator[str]:
    """Say which imports run up; `rooms` are paths, the highest first, and a longer path wins.

    A room's path may be a pattern of files, such as "bench/test_*.py".
    """
    order = list(rooms)

    def height(file: str) -> int | None:
        found = [room for room in order if fnmatch(file, room) or file.startswith(f"{room}/")]
        return -order.index(max(found, key=len)) if found else None

    for file, imported in graph.items():
        for other in sorted(imported):
            own, its = height(file), height(other)
            if own is not None and its is not None and its > own:
                yield f"{file} imports {other}, which stands above it"


def _module(file: str) -> str:
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _inside(graph: Mapping[str, set[str]], folder: str) -> Graph:
    """Return the imports between what stands directly in a folder: its files and its folders."""
    depth = 0 if folder == "." else len(PurePosixPath(folder).parts)

    def child(file: str) -> str | None:
        if folder != "." and not file.startswith(f"{folder}/"):
            return None
        return "/".join(PurePosixPath(file).parts[: depth + 1])

    merged: Graph = {}
    for file, imported in graph.items():
        own = child(file)
        if own is not None and not own.endswith("__init__.py"):
            others = {child(other) for other in imported} - {None, own}
            merged.setdefault(own, set()).update(str(other) for other in others)
    return merged


def _circle_lines(graph: Mapping[str, set[str]]) -> Iterator[str]:
    """Say each circle once, by the shortest way back to its first member."""
    seen: set[str] = set()
    for start in sorted(graph):
        way = _way_back(graph, start)
        if way and not seen & {*way}:
            seen |= {*way}
            yield " -> ".join([*way, start])


def _way_back(graph: Mapping[str, set[str]], start: str) -> list[str]:
    ways = [[start]]
    visited: set[str] = set()
    while ways:
        way = ways.pop(0)
        for other in sorted(graph.get(way[-1], ())):
            if other == start:
                return way
            if other not in visited:
                visited.add(other)
                ways.append([*way, other])
    return []
