"""Files as pytest-benchmark writes them, with numbers that no two benchmarks share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from bench.operators import ModelOperators, to_json
from bench.results.session import FORMAT
from models.running.operator_times import OperatorProfile, OperatorTime
from models.zoo import ARCHITECTURES

RUNTIMES = {"litert": "2.3.0", "tflite-runtime": "2.14.0"}
PRECISIONS = ("float32", "int8")
SOURCE = "640x480"
SHAPE = [1, 100, 100, 3]
ROBUSTNESS: dict[str, Any] = {
    "format": 1,
    "images": 10_000,
    "fingerprint": "abc",
    "changes": [
        {"name": "none", "is_mild": True, "accuracy": {
            "alexnet-float32": {"correct": 9_991, "images": 10_000},
            "mobilenet_v2-int8": {"correct": 9_650, "images": 10_000}}},
        {"name": "rotated by 45 degrees", "is_mild": False, "accuracy": {
            "alexnet-float32": {"correct": 6_125, "images": 10_000},
            "mobilenet_v2-int8": {"correct": 7_150, "images": 10_000}}},
    ],
}  # fmt: skip


class Sample:
    """A file in the making.

    Attributes:
        data: what it will hold.
    """

    def __init__(self, seed: int = 0, commit: str = "1234567890abcdef", day: int = 1) -> None:
        self._random = np.random.default_rng(seed)
        self.data: dict[str, Any] = {
            "format": FORMAT,
            "failed": [],
            "machine_info": {
                "node": "bench",
                "processor": "x86_64",
                "machine": "x86_64",
                "system": "Linux",
                "release": "6.1",
                "python_version": "3.11.7",
                "python_implementation": "CPython",
                "cpu": {"brand_raw": "Example CPU", "count": 4},
                "runtimes": RUNTIMES,
            },
            "commit_info": {"id": commit, "dirty": False, "time": "2026-01-01T00:00:00"},
            "datetime": f"2026-01-{day:02}T12:00:00+00:00",
            "benchmarks": [],
        }

    def add(self, quantity: str, parameters: str, median_s: float, info: dict[str, Any]) -> None:
        """Add a benchmark of 100 rounds, a few of them disturbed."""
        rounds = median_s * self._random.lognormal(0, 0.05, 100)
        rounds[::33] *= 5
        name = f"{quantity}[{parameters}]" if parameters else quantity
        self.data["benchmarks"].append(
            {
                "name": name,
                "fullname": f"bench/test_x.py::{name}",
                "extra_info": info,
                "stats": {"data": rounds.tolist(), "median": float(np.median(rounds))},
            }
        )

    def add_host(self) -> Sample:
        """Add inference, stages and the machine's yardsticks, for every architecture."""
        for size, scale in ((SOURCE, 1), ("12MP", 20)):
            decoded = {"source": size, "dtype": None, "input_shape": SHAPE}
            self.add("test_decode", size, 5e-4 * scale, decoded)
            for dtype in ("float32", "uint8"):
                info = {"source": size, "dtype": dtype, "input_shape": SHAPE}
                self.add("test_prepare", f"{dtype}-{size}", 6e-4 * scale, info)
        self.add("test_round_overhead", "", 2e-7, {"protocol": "warm"})
        for dtype, factor in (("float32", 1.0), ("int8", 0.3)):
            for slower, runtime in enumerate(RUNTIMES):
                info = {**_runtime(runtime), "operations": 2 * 1024**3, "dtype": dtype}
                median_s = 0.02 * factor * (1 + slower)
                self.add("test_matrix_product", f"{runtime}-{dtype}", median_s, info)
        self.add("test_memory_copy", "", 0.01, {"bytes_moved": 2**27, "threads": 1})
        for number, architecture in enumerate(ARCHITECTURES):
            for precision in PRECISIONS:
                for runtime in RUNTIMES:
                    info = {**model_info(architecture, precision), **_runtime(runtime)}
                    name = f"{architecture}-{precision}-{runtime}"
                    invoke_s = 1e-4 * (1 + number) * (0.6 if precision == "int8" else 1)
                    self.add("test_invoke", name, invoke_s, info)
                    self.add("test_classify", name, invoke_s + 2e-5, info)
                    dtype = "uint8" if precision == "int8" else "float32"
                    whole = {**info, "source": SOURCE, "dtype": dtype, "input_shape": SHAPE}
                    self.add("test_classify_jpeg", name, invoke_s + 7e-4, whole)
        return self

    def add_device(self, serial: str, *, emulated: bool, milliseconds: float) -> Sample:
        """Add the three quantities of one model on a device."""
        device = {"serial": serial, "manufacturer": "samsung", "model": "SM-G950F", "soc": "e8895"}
        cores = [{"number": 0, "max_khz": 1690000, "cap_khz": 1690000, "current_khz": 845000,
                  "governor": "interactive"}]  # fmt: skip
        state = {"cores": cores, "battery_c": 28.5, "charging": "USB", "thermal_status": None}
        info = {
            **model_info("mobilenet_v2", "int8"),
            "device": device,
            "emulated": emulated,
            "threads": 1,
            "delegate": "cpu",
            "footprint_overall_mb": 6.5,
            "conditions": {"before": state, "after": state},
        }
        for quantity, factor in (("inference", 1), ("first_inference", 2), ("load", 5)):
            name = f"mobilenet_v2-int8-{serial}"
            self.add(f"test_device_{quantity}", name, factor * milliseconds / 1e3, info)
        return self

    def write(self, path: Path) -> Path:
        """Write the file and return its path."""
        path.write_text(json.dumps(self.data), encoding="utf-8")
        return path


def operator_profile(number: int) -> OperatorProfile:
    """Return a profile of 40 us and more, of 8.25 to 9.75 us outside of its operators."""
    operators = (
        OperatorTime("QUANTIZE", "QUANTIZE", 0, False, 1.5),
        OperatorTime("Convolution (NHWC, QC8) IGEMM", "CONV_2D", 50_000, True, 11.25 + number),
        OperatorTime("Max Pooling (NHWC, S8)", None, 0, True, 0.25),
        OperatorTime("Convolution (NHWC, QC8) IGEMM", "CONV_2D", 20_000, True, 18.75),
        OperatorTime("Add (ND)", None, 0, True, 0.125),
        OperatorTime("Mean (ND) Reduce", None, 0, True, 0.0),
        OperatorTime("Fully Connected (NC, F32) GEMM", None, None, True, 0.5),
        OperatorTime("Softmax (NC, F32)", None, 0, True, 0.125),
    )
    total_us = sum(each.microseconds for each in operators)
    return OperatorProfile("litert 2.3.0", 500, total_us + 8.25 + number / 4, 90.0, operators)


def operators_text() -> str:
    """Return what `python -m bench operators --json` would have written of every architecture."""
    return to_json(
        [
            ModelOperators(model_info(architecture, precision), operator_profile(number))
            for number, architecture in enumerate(ARCHITECTURES)
            for precision in PRECISIONS
        ]
    )


def model_info(architecture: str, precision: str) -> dict[str, Any]:
    """Return what a result says of a model file."""
    number = list(ARCHITECTURES).index(architecture)
    small = precision == "int8"
    return {
        "model": f"{architecture}-{precision}",
        "architecture": architecture,
        "precision": precision,
        "sha256": f"{architecture}-{precision}".encode().hex(),
        "file_bytes": (412_345 + 1_000 * number) // (4 if small else 1),
        "parameters": 88_001 + 7 * number,
        "trained_parameters": 98_001 + 7 * number,
        "multiply_accumulates": 1_234_567 + number,
        "bytes_moved": 250_000 * (2 + number),
        "accuracy": 0.9871 + 0.001 * number - (0.0004 if small else 0),
    }


def _runtime(name: str) -> dict[str, Any]:
    return {"runtime": name, "runtime_version": RUNTIMES[name], "threads": 1, "protocol": "warm"}
