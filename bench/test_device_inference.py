"""Inference on an Android device: three quantities from the same rounds, and sustained speed."""

from __future__ import annotations


def test_device_inference(replay):
    """Steady state: the mean inference of a fresh process that has warmed up."""
    replay("inference_ns")


def test_device_first_inference(replay):
    """The first inference of a fresh process."""
    replay("first_inference_ns")


def test_device_load(replay):
    """From nothing to a model that can be invoked, in a fresh process."""
    replay("load_ns")


def test_device_sustained(replay, sustained):
    """Steady state, on and on for `sustained` minutes: heat and throttled rounds belong to it."""
    replay("inference_ns")
