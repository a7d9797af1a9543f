"""The list of plugins and the command-line options; what they do is in `fixtures/`."""

from __future__ import annotations

from pathlib import Path

from bench.android.arguments import cpu_mask, delegates, thread_counts
from models.commands.arguments import non_negative, positive, positive_number
from models.files.artifacts import PRECISIONS
from models.running.runtimes import RUNTIMES
from models.zoo import ARCHITECTURES

pytest_plugins = [
    "fixtures.options",
    "fixtures.models",
    "fixtures.runtimes",
    "fixtures.photographs",
    "fixtures.measure",
    "fixtures.device",
    "fixtures.summary",
    "fixtures.stage_summary",
    "fixtures.hypothesis_profiles",
]


def pytest_addoption(parser):
    what = parser.getgroup("what is measured")
    what.addoption(
        "--architecture",
        action="append",
        choices=list(ARCHITECTURES),
        help="only this architecture; repeatable",
    )
    what.addoption(
        "--precision",
        action="append",
        choices=list(PRECISIONS),
        help="only this precision; repeatable",
    )
    what.addoption(
        "--model",
        action="append",
        default=[],
        metavar="PATH",
        help="a .tflite file of your own joins every benchmark; repeatable",
    )
    how = parser.getgroup("how it is measured")
    how.addoption(
        "--runtime",
        action="append",
        choices=list(RUNTIMES),
        help="only this runtime; repeatable; default: all that are installed",
    )
    how.addoption(
        "--threads",
        type=positive,
        default=1,
        metavar="N",
        help="threads of an interpreter; default: 1",
    )
    how.addoption(
        "--rounds",
        type=positive,
        default=100,
        metavar="N",
        help="timed rounds of each benchmark; default: 100, as in the study",
    )
    how.addoption(
        "--warmup-rounds",
        type=non_negative,
        default=10,
        metavar="N",
        help="rounds before the timed ones; default: 10",
    )
    how.addoption(
        "--protocol",
        choices=["warm", "cold"],
        default="warm",
        help="cold: clear memory before each round, as the study did; default: warm",
    )
    data = parser.getgroup("data set")
    data.addoption(
        "--fruits360",
        metavar="DIR",
        help="the photographs; default: FRUITS360_DIR, else the user's cache",
    )
    data.addoption(
        "--require-dataset",
        action="store_true",
        help="fail, not skip, the tests that need the photographs",
    )
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
