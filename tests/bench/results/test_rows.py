"""A device's results by model: what is measured in different ways stands side by side."""

from __future__ import annotations

from bench.report.terminal import device_table
from bench.results.rows import device_rows
from bench.results.session import Result

INFO = {
    "model": "m", "architecture": None, "precision": None, "threads": 2, "delegate": "cpu",
    "delegation": None, "emulated": False, "footprint_overall_mb": None,
    "device": {"serial": "s\x1b[31m", "model": "Phone"}, "overhead": {"ratio": 1.02},
}  # fmt: skip
SHELL_AND_APP = [
    Result(f"bench/test_device_inference.py::test_device_inference[m-s{how}]", (2e-3, 4e-3), info)
    for how, info in (("", {**INFO, "process": "shell"}), ("-app", {**INFO, "process": "app"}))
]


def test_shell_and_app_stand_side_by_side():
    (rows,) = device_rows(SHELL_AND_APP).values()
    assert [row.runs_on for row in rows] == ["cpu, 2 threads", "cpu, 2 threads, in an app"]


def test_the_table_shows_both_and_no_control_character():
    table = device_table(SHELL_AND_APP)
    devices = [str(cell) for cell in table.columns[1].cells]
    assert devices == [r"s\x1b[31m, 2 threads", r"s\x1b[31m, 2 threads, in an app"]
