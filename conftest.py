"""The list of plugins; each declares the options that it reads."""

from __future__ import annotations

pytest_plugins = [
    "fixtures.models",
    "fixtures.runtimes",
    "fixtures.prepared_inputs",
    "fixtures.photographs",
    "fixtures.evaluations",
    "fixtures.measure",
    "fixtures.device_options",
    "fixtures.emulated_phones",
    "fixtures.round_progress",
    "fixtures.device_replay",
    "fixtures.summary",
]
