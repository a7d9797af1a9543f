"""The list of plugins and the command-line options; what they do is in `fixtures/`."""

from __future__ import annotations

from pathlib import Path

from bench.android.arguments import cpu_mask, delegates, thread_counts
from models.commands.arguments import non_negative, positive_number

pytest_plugins = [
    "fixtures.models",
    "fixtures.runtimes",
    "fixtures.photographs",
    "fixtures.measure",
    "fixtures.device",
    "fixtures.summary",
    "fixtures.hypothesis_profiles",
]


def pytest_addoption(parser):
    device = parser.getgroup("Android device")
    device.addoption(
        "--device",
        metavar="SERIAL",
        help="an Android device's serial, or all, emulated or none; default: ANDROID_SERIAL, else "
        "the only one attached",
    )
    device.addoption(
        "--require-device",
        action="store_true",
        help="fail, not skip, the benchmarks on a device when none is attached",
    )
    device.addoption(
        "--device-tool",
        type=Path,
        metavar="PATH",
        help="benchmark_model for the device; default: the published one, downloaded once",
    )
    device.addoption(
        "--device-threads",
        type=thread_counts,
        default=[1],
        metavar="N[,N]",
        help="threads on the device; default: 1",
    )
    device.addoption(
        "--device-delegate",
        type=delegates,
        default=["cpu"],
        metavar="NAME[,NAME]",
        help="cpu, gpu or nnapi; default: cpu",
    )
    device.addoption(
        "--device-cpus",
        type=cpu_mask,
        metavar="MASK",
        help="hexadecimal mask of the cores to run on; default: those of the highest frequency",
    )
    device.addoption(
        "--device-retries",
        type=non_negative,
        default=2,
        metavar="N",
        help="how often a model is measured again when the device was throttled; default: 2",
    )
    device.addoption(
        "--device-timeout",
        type=positive_number,
        default=120.0,
        metavar="SECONDS",
        help="how long one process on the device may take; default: 120",
    )
