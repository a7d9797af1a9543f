"""`benchmark_model` for a device: a file of the user's, else the published one; and its flags.

It only warns of a flag that it does not know, and goes on; so it is asked which flags it has.

Source of the address: the LiteRT project's versioned binaries, a bucket that its own command line
reads from.
"""

from __future__ import annotations

import hashlib
import math
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from bench.android.adb.errors import DeviceError, printable
from bench.android.tool.output import TICK_NS, DeviceRound, without_prefix
from bench.results.session import ResultsError
from bench.tables import write


@dataclass(frozen=True)
class Published:
    """A published binary, and how its sha256 begins, as far as it is publicly known."""

    version: str
    url: str
    sha256: str


PUBLISHED = {
    "arm64-v8a": Published(
        "2.2.0",
        "https://storage.googleapis.com/litert/binaries/2.2.0/android_arm64/benchmark_model",
        "f3729eaf",
    )
}
"""The pinned binary for an ABI. For others there are only nightly builds, which change daily."""

DOWNLOAD_TIMEOUT_S = 60.0


FLEX = b"TfLiteFlexDelegate"
"""In a tool that has TensorFlow's own operators."""


@dataclass(frozen=True)
class Tool:
    """A `benchmark_model` for a device, and the path or address that it came from."""

    content: bytes
    source: str
    sha256: str

    @classmethod
    def read(cls, path: Path, option: str) -> Tool:
        """Read a file of the user's; `option` is what named it."""
        source = str(path.expanduser())
        try:
            content = Path(source).read_bytes()
        except FileNotFoundError:
            raise DeviceError(f"{printable(source)}: no such file ({option})") from None
        except OSError as error:
            reason = f"cannot be read ({error.strerror}; {option})"
            raise DeviceError(f"{printable(source)}: {reason}") from None
        return cls(content, source, hashlib.sha256(content).hexdigest())


def find_tool(abis: Sequence[str], path: Path | None = None, page_bytes: int | None = None) -> Tool:
    """Return the tool for a device.

    Args:
        abis: what the device executes, the preferred ABI first; empty where it does not say.
        path: a file of the user's; None for the published one, which is downloaded once.
        page_bytes: size of the device's memory pages; None where it does not say.
    """
    tool = Tool.read(path if path is not None else _cached(abis), "--device-tool")
    _check_executable(tool.content, abis, page_bytes, printable(tool.source))
    return tool


def is_translated(tool: Tool, abis: Sequence[str]) -> bool:
    """Whether another processor translates the tool's instructions (Waydroid, ChromeOS)."""
    elf = read_elf(tool.content)
    return elf is not None and elf[0].startswith("arm") and "".join(abis[:1]).startswith("x86")


def _check_executable(
    content: bytes, abis: Sequence[str], page_bytes: int | None, name: str
) -> None:
    """Refuse what a device cannot execute."""
    if content[:2] == b"#!":
        return
    elf = read_elf(content)
    if elf is None:
        raise DeviceError(f"{name}: not an executable (neither ELF nor a script)")
    abi, alignment_bytes = elf
    if abis and abi not in abis:
        known = printable(", ".join(abis))
        raise DeviceError(f"{name}: built for {abi}, the device is {known}")
    if page_bytes and alignment_bytes and alignment_bytes < page_bytes:
        raise DeviceError(
            f"{name}: built for memory pages of {alignment_bytes // 1024} KB, the device has "
            f"pages of {page_bytes // 1024} KB: link it with -Wl,-z,max-page-size={page_bytes}"
        )


def _cached(abis: Sequence[str]) -> Path:
    """Return where the published tool is on this machine, after downloading it if need be."""
    abi = next((abi for abi in abis if abi in PUBLISHED), None)
    if abi is None:
        said = printable(", ".join(abis)) or "that the device does not tell"
        raise DeviceError(
            f"no benchmark_model is published for ABI {said}: build it and give --device-tool PATH"
        )
    published = PUBLISHED[abi]
    folder = platformdirs.user_cache_path("tflite-gauge") / "benchmark_model"
    path = folder / f"{abi}-{published.version}"
    content = path.read_bytes() if path.is_file() else b""
    if not hashlib.sha256(content).hexdigest().startswith(published.sha256):
        download(published, path)
    return path


def download(published: Published, path: Path) -> None:
    """Download a file; it is there whole or not at all."""
    import requests

    url = published.url
    try:
        response = requests.get(url, timeout=DOWNLOAD_TIMEOUT_S)
        response.raise_for_status()
    except requests.RequestException as error:
        raise DeviceError(
            f"benchmark_model cannot be downloaded from {url} ({type(error).__name__}): give "
            "--device-tool PATH"
        ) from None
    digest = hashlib.sha256(response.content).hexdigest()
    if not digest.startswith(published.sha256):
        raise DeviceError(
            f"{url} gave another file than benchmark_model {published.version} (sha256 "
            f"{digest}, expected {published.sha256}…): give --device-tool PATH"
        )
    try:
        write(path, lambda temporary: temporary.write_bytes(response.content))
    except ResultsError as error:
        raise DeviceError(f"{error}: give --device-tool PATH") from None


MACHINES = {40: "armeabi-v7a", 183: "arm64-v8a", 3: "x86", 62: "x86_64", 243: "riscv64"}
"""`e_machine`, by Android's name of the ABI."""

MAGIC = b"\x7fELF"
_LOAD = 1


def read_elf(content: bytes) -> tuple[str, int | None] | None:
    """Return which ABI an ELF file is for, by Android's name, and to how many bytes its loaded
    parts are aligned, None where it does not say; None where it is no ELF file."""
    if content[:4] != MAGIC or len(content) < 20:
        return None
    (machine,) = struct.unpack_from("<H", content, 18)
    return MACHINES.get(machine, f"ELF machine {machine}"), _alignment_bytes(content)


def _alignment_bytes(content: bytes) -> int | None:
    """Return the smallest alignment of what is loaded."""
    is_64_bit = content[4] == 2
    offset_at, size_at, align_at, word = (32, 54, 48, "<Q") if is_64_bit else (28, 42, 28, "<I")
    try:
        (start,) = struct.unpack_from(word, content, offset_at)
        size, count = struct.unpack_from("<HH", content, size_at)
        headers = [start + size * number for number in range(count)]
        return min(
            (
                struct.unpack_from(word, content, header + align_at)[0]
                for header in headers
                if struct.unpack_from("<I", content, header)[0] == _LOAD
            ),
            default=None,
        )
    except struct.error:
        return None


REQUIRED = ("graph", "num_runs", "min_secs", "warmup_runs", "warmup_min_secs", "num_threads")
DELEGATE_FLAGS = {
    "cpu": (), "gpu": ("use_gpu=true",), "nnapi": ("use_nnapi=true",), "npu": ("use_npu=true",),
    "xnnpack": ("use_xnnpack=true",), "external": (),
}  # fmt: skip
"""What switches a delegate on; "cpu" is what the tool does by itself, and an "external" one is
named by flags of the user's."""

OWN_FLAGS = re.compile(
    "graph|num_(runs|threads)|(min|warmup_min)_secs|warmup_runs|use_(gpu|nnapi|npu|xnnpack)|input_.*"
    "|output_filepath|model_runtime_info_output_file|(dispatch|compiler_plugin)_library_path"
)
"""Those that are given by what is measured, so not by the user."""

RUNTIME_INFO_FLAG = "model_runtime_info_output_file"
LIBRARIES = "{libraries}"
"""In a flag of the user's, the directory on the device with the libraries that were pushed."""

LIBRARY_FLAGS = ("dispatch_library_path", "compiler_plugin_library_path")
"""Where the tool looks for an NPU's libraries; given where it has them."""

WARMUPS = 3
"""Inferences before those that count: enough for caches, and for the governor to wake up."""

MIN_INFERENCES = 10
TRIAL_INFERENCES, MANY_INFERENCES = 3, 10_000
TOOL_LIMIT_S = 150.0
"""Its own, `--max_secs`."""
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

    def without_input(self) -> ToolFlags:
        """Return those of a tool that makes up its own input, and so writes no output."""
        return ToolFlags(self.names - {"input_layer_value_files"})

    @property
    def writes_output(self) -> bool:
        """Whether it can write the output for a given input."""
        return self.takes_input and "output_filepath" in self.names

    def command(
        self, executable: str, graph: str, threads: int, delegate: str,
        libraries: str | None = None, more: Sequence[str] = (),
    ) -> list[str]:  # fmt: skip
        """Return what all runs of a model have in common; all paths are on the device, and `more`
        are flags of the user's, such as "gpu_backend=opencl"."""
        flags = [
            f"graph={graph}", f"num_threads={threads}", "min_secs=0", "warmup_min_secs=0",
            *DELEGATE_FLAGS[delegate],
        ]  # fmt: skip
        if libraries is not None and delegate == "npu":
            flags += [f"{name}={libraries}" for name in LIBRARY_FLAGS if name in self.names]
        if libraries is None and any(LIBRARIES in each for each in more):
            raise DeviceError(f"a flag names {LIBRARIES}, and there are none: --device-libraries")
        flags += [each.replace(LIBRARIES, libraries or "") for each in more]
        for name in (*REQUIRED, *(each.partition("=")[0] for each in flags)):
            if name not in self.names:
                raise DeviceError(
                    f"this benchmark_model knows no --{printable(name)}: give --device-tool another"
                )
        environment = ("LD_LIBRARY_PATH", "ADSP_LIBRARY_PATH") if libraries else ()
        return [
            *(["env"] if environment else []),
            *(f"{variable}={libraries}" for variable in environment),
            executable,
            *(f"--{each}" for each in flags),
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


def inferences_for(trial: DeviceRound, timeout_s: float) -> int:
    """Return how many inferences a round needs so that a tick of the clock does not show in it;
    fewer where they would not end in half of the time that the tool or `timeout_s` gives."""
    tick_ns, least_ns = trial.tool.tick_ns, trial.tool.tick_ns / RESOLUTION
    if not trial.inference_ns or (tick_ns > TICK_NS and least_ns > trial.inference_ns):
        raise DeviceError(  # where the mean itself is rounded, more do not help
            f"this benchmark_model prints times to {tick_ns / 1e6:g} ms, too coarsely for an "
            f"inference of {trial.inference_ns / 1e6:g} ms: give --device-tool another"
        )
    wanted = math.ceil(least_ns / trial.inference_ns) if tick_ns == TICK_NS else 0
    most = min(timeout_s, TOOL_LIMIT_S) / 2 // (trial.inference_ns / 1e9) - WARMUPS
    return max(1, min(max(wanted, MIN_INFERENCES), int(most)))
