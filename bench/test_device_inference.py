"""Inference on an Android device: three quantities, all from the same rounds."""

from __future__ import annotations

import pytest

from bench.results.device_clock import DeviceClock

CLOCK = DeviceClock()

pytestmark = pytest.mark.benchmark(timer=CLOCK)


def test_device_inference(replay):
    """Steady state: the mean inference of a fresh process that has warmed up."""
    replay(CLOCK, "inference_s")


def test_device_first_inference(replay):
    """The first inference of a fresh process."""
    replay(CLOCK, "first_inference_s")


def test_device_load(replay):
    """From nothing to a model that can be invoked, in a fresh process."""
    replay(CLOCK, "load_s")
