"""Sustained speed, on an emulated phone."""

import pytest

from bench.android import rounds
from bench.emulated_phone import userland


@pytest.mark.parametrize("heats_up", [False, True])
def test_rounds_go_on_for_so_long_and_throttled_ones_are_kept(
    emulate, measure, monkeypatch, heats_up
):
    emulated = emulate(userland.ANDROID_11)
    monkeypatch.setattr(rounds, "HEAT_EVERY_S", 0.5)
    monkeypatch.setattr(rounds, "ROUND_S", 0.01)
    if heats_up:
        emulated.set_tool_fault("throttle", from_run=2)  # the trial and a round are cold
    found = measure(emulated, sustained_s=4.0)
    told = found.info["sustained"]
    assert len(told["round_ends_s"]) == len(found.sitting.rounds) > 1
    assert told["round_ends_s"] == sorted(told["round_ends_s"])
    assert told["round_ends_s"][-1] >= 4.0 - 1  # uptime is in whole seconds
    first, *_, last = told["heat"]
    assert first["allowed_share"] == 1.0
    assert last["allowed_share"] == (pytest.approx(0.5, abs=0.01) if heats_up else 1.0)
    assert (last["battery_c"], last["hottest_c"], last["thermal_status"]) == (28.4, 41.0, 0)
    assert found.info["drift"] is None
