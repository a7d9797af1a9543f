"""Measured on and on: what the page shows of it, and who leaves it alone."""

import pytest

from bench.__main__ import main
from bench.history.series import histories
from bench.report.page import render
from bench.report.section import read_inputs
from bench.results.session import SUSTAINED, read_sessions
from tests.bench.report.html import parse
from tests.bench.report.samples import Sample, model_info


def _sample(number: int, slower: float = 1.5, allowed: float | None = 0.6) -> Sample:
    """100 rounds of 2 s each; from the 50th on slower."""
    commit = f"{number}" * 40
    sample = Sample(number, commit, number).add_device("phone", emulated=False, milliseconds=4)
    heat = [
        {"at_s": at_s, "battery_c": None, "hottest_c": hottest_c, "allowed_share": share}
        for at_s, hottest_c, share in ((0.0, 40.0, allowed and 1.0), (200.0, 71.5, allowed))
    ]
    info = sample.data["benchmarks"][-1]["extra_info"] | model_info("alexnet", "int8")
    ends_s = [2.0 * (each + 1) for each in range(100)]
    info |= {"sustained": {"round_ends_s": ends_s, "heat": heat}}
    sample.add(SUSTAINED, "alexnet-int8-phone", 0.004, info)
    sample.data["benchmarks"][-1]["stats"]["data"] = [0.004] * 50 + [0.004 * slower] * 50
    return sample


def test_the_page_shows_latency_and_heat(tmp_path):
    path = _sample(1).write(tmp_path / "a.json")
    section = parse(render(read_inputs([path]))).section("sustained")
    (row,) = section.all("tbody")[0].all("tr")
    name, _, *cells = [cell.text for cell in row.all("td")]
    assert (name, cells) == ("AlexNet int8", ["3.3", "4.000", "6.000", "50%", "71.5", "60%"])
    drawn = section.csv()
    assert [float(each["ms"]) for each in drawn] == pytest.approx([4.0] * 50 + [6.0] * 50)
    texts = {text.text.strip() for text in section.all("text")}
    assert {"inference, ms", "°C", "clock, %", "minutes", "AlexNet int8"} <= texts


def test_what_the_phone_does_not_tell_is_left_open(tmp_path):
    path = _sample(1, allowed=None).write(tmp_path / "a.json")
    section = parse(render(read_inputs([path]))).section("sustained")
    assert [cell.text for cell in section.all("td")][-1] == "-"


def test_history_leaves_it_alone(tmp_path):
    samples = [_sample(number, slower=number) for number in (1, 2, 3)]
    samples[1].data["failed"] = [{"fullname": f"bench/test_x.py::{SUSTAINED}[x]", "reason": "hot"}]
    sessions = read_sessions(
        each.write(tmp_path / f"{number}.json") for number, each in enumerate(samples)
    )
    (history,) = histories(sessions, tmp_path)
    assert {each.quantity for each in history.series} == {
        "test_device_inference", "test_device_first_inference", "test_device_load"
    }  # fmt: skip
    assert len(history.sessions) == 3
    assert not [each for each in history.remarks if "left out" in each]


def test_compare_leaves_it_alone(tmp_path, capsys, monkeypatch):
    """Else it would be gone from head."""
    monkeypatch.chdir(tmp_path)
    base = str(_sample(1).write(tmp_path / "base.json"))
    without = _sample(2)
    without.data["benchmarks"].pop()
    head = str(without.write(tmp_path / "head.json"))
    main(["compare", base, "--", head])
    printed = " ".join(capsys.readouterr())
    assert "needs" in printed  # more files, of the three others
    assert "sustained" not in printed
