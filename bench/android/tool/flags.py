"""The command line of `benchmark_model`, by the flags that the tool itself says it has.

It only warns of a flag that it does not know, and goes on.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from bench.android.adb.errors import DeviceError
from bench.android.tool.output import TICK_NS, DeviceRound, without_prefix

REQUIRED = ("graph", "num_runs", "min_secs", "warmup_runs", "warmup_min_secs", "num_threads")
DELEGATE_FLAGS = {
    "cpu": None, "gpu": "use_gpu", "nnapi": "use_nnapi", "npu": "use_npu", "xnnpack": "use_xnnpack",
}  # fmt: skip
"""What switches a delegate on; "cpu" is what the tool does by itself."""

ON_CPU = ("cpu", "xnnpack")
LIBRARY_FLAGS = ("dispatch_library_path", "compiler_plugin_library_path")
"""Where the tool looks for a vendor's libraries; given where it has them."""

WARMUPS = 3
"""Inferences before those that count: enough for caches, and for the governor to wake up."""

MIN_INFERENCES = 10
TRIAL_INFERENCES = 3
RESOLUTION = 0.005
"""The largest share of a round's summed time that one tick of the tool's clock may be."""

INPUT_NAME = "input"
"""What the input is called towards the tool, which only warns where the model calls it otherwise;
so no name out of a model's file gets into a command."""

_FLAG = re.compile(r"^\s*--(\w+)=")


@dataclass(frozen=True)
class ToolFlags:
    """The flags that a `benchmark_model` has, by their names."""

    names: frozenset[str]

    @property
    def takes_input(self) -> bool:
        """Whether it can be given the input."""
        return "input_layer_value_files" in self.names

    @property
    def writes_output(self) -> bool:
        """Whether it can write the output for a given input."""
        return self.takes_input and "output_filepath" in self.names

    def command(
        self, executable: str, graph: str, threads: int, delegate: str, libraries: str | None = None
    ) -> list[str]:
        """Return what all runs of a model have in common.

        Args:
            executable, graph: paths on the device.
            threads: of the tool.
            libraries: directory on the device with a vendor's libraries; None for none.

        Raises:
            DeviceError: the tool does not know a flag that is needed.
        """
        flag = DELEGATE_FLAGS[delegate]
        for name in (*REQUIRED, *([flag] if flag else [])):
            if name not in self.names:
                raise DeviceError(
                    f"this benchmark_model knows no --{name}: give --device-tool another"
                )
        environment = ("LD_LIBRARY_PATH", "ADSP_LIBRARY_PATH") if libraries else ()
        return [
            *(["env"] if environment else []),
            *(f"{variable}={libraries}" for variable in environment),
            executable,
            f"--graph={graph}",
            f"--num_threads={threads}",
            "--min_secs=0",
            "--warmup_min_secs=0",
            *([f"--{flag}=true"] if flag else []),
            *(
                f"--{name}={libraries}"
                for name in LIBRARY_FLAGS
                if libraries and name in self.names
            ),
        ]

    @staticmethod
    def input_arguments(path: str, shape: Sequence[int]) -> list[str]:
        """Return the arguments that give the input: a file on the device, batch first."""
        return [
            f"--input_layer={INPUT_NAME}",
            f"--input_layer_shape={','.join(map(str, shape))}",
            f"--input_layer_value_files={INPUT_NAME}:{path}",
        ]

    @staticmethod
    def run_arguments(inferences: int, warmups: int = WARMUPS) -> list[str]:
        """Return the arguments that say how many inferences there are."""
        return [f"--num_runs={inferences}", f"--warmup_runs={warmups}"]


def parse_flags(usage: str) -> frozenset[str]:
    """Return the names of the flags that the tool's `--help` lists."""
    found = (_FLAG.match(without_prefix(line)) for line in usage.splitlines())
    return frozenset(match[1] for match in found if match)


def inferences_for(trial: DeviceRound) -> int:
    """Return how many inferences a round needs so that a tick of the clock does not show in it.

    Raises:
        DeviceError: no number is enough, since the tool prints the mean itself too coarsely.
    """
    tick_ns = trial.tool.tick_ns
    if tick_ns == TICK_NS:
        return max(MIN_INFERENCES, math.ceil(tick_ns / (RESOLUTION * trial.inference_ns)))
    if tick_ns > RESOLUTION * trial.inference_ns:  # the mean is rounded: more do not help
        raise DeviceError(
            f"this benchmark_model prints times to {tick_ns / 1e6:g} ms, too coarsely for an "
            f"inference of {trial.inference_ns / 1e6:g} ms: give --device-tool another"
        )
    return MIN_INFERENCES
