"""Inference on an Android device: three quantities, all from the same rounds."""

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
