"""Finding `benchmark_model` for a device: a file of the user's, else the published one.

Source of the addresses: the LiteRT project's versioned binaries (a bucket that its own command
line reads from), and TensorFlow's nightly builds (tensorflow.org, "Performance measurement").
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
import tempfile
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from bench.android.adb.errors import ToolError, printable

LITERT_VERSION = "2.2.0"
LITERT_URL = (
    f"https://storage.googleapis.com/litert/binaries/{LITERT_VERSION}/android_arm64/benchmark_model"
)
NIGHTLY_URL = (
    "https://storage.googleapis.com/tensorflow-nightly-public/prod/tensorflow/release/lite/tools/"
    "nightly/latest/{}_benchmark_model"
)
PUBLISHED = {"arm64-v8a": LITERT_URL, "armeabi-v7a": NIGHTLY_URL.format("android_arm")}
"""Where the tool for an ABI is published."""

ELF_MACHINES = {40: "armeabi-v7a", 183: "arm64-v8a", 3: "x86", 62: "x86_64", 243: "riscv64"}
"""`e_machine` of the ELF header, by Android's name of the ABI."""

DOWNLOAD_TIMEOUT_S = 60.0
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Tool:
    """A `benchmark_model` for a device.

    Attributes:
        content: the executable itself.
        source: the path or address that it came from.
        sha256: of the content (hexadecimal).
    """

    content: bytes
    source: str
    sha256: str


def find_tool(abi: str | None, path: Path | None = None) -> Tool:
    """Return the tool for a device of an ABI.

    Args:
        abi: the device's, such as "arm64-v8a"; None where it does not say.
        path: a file of the user's; None for the published one, which is downloaded once.

    Raises:
        ToolError: it is missing, is of another ABI, is not published, or cannot be downloaded.
    """
    source = str(path) if path is not None else _cached(abi)
    try:
        content = Path(source).read_bytes()
    except FileNotFoundError:
        raise ToolError(f"{printable(source)}: no such file (--device-tool)") from None
    except OSError as error:
        raise ToolError(f"{printable(source)}: cannot be read ({error.strerror})") from None
    _check_executable(content, abi, source)
    return Tool(content, source, hashlib.sha256(content).hexdigest())


def _check_executable(content: bytes, abi: str | None, source: str) -> None:
    """Refuse what a device of this ABI cannot execute."""
    name = printable(source)
    if content[:2] == b"#!":
        return
    if content[:4] != b"\x7fELF" or len(content) < 20:
        raise ToolError(f"{name}: not an executable (neither ELF nor a script)")
    (machine,) = struct.unpack_from("<H", content, 18)
    built_for = ELF_MACHINES.get(machine, f"ELF machine {machine}")
    if abi is not None and built_for != abi:
        raise ToolError(f"{name}: built for {built_for}, the device is {printable(abi)}")


def _cached(abi: str | None) -> str:
    """Return where the published tool is on this machine, after downloading it if need be."""
    url = PUBLISHED.get(abi or "")
    if url is None:
        raise ToolError(
            f"no benchmark_model is published for ABI {printable(str(abi))}: build it and give "
            "--device-tool PATH"
        )
    key = hashlib.sha256(url.encode()).hexdigest()[:12]
    path = platformdirs.user_cache_path("cnn-latency") / "benchmark_model" / f"{abi}-{key}"
    record = path.with_suffix(".sha256")
    if path.is_file() and record.is_file():
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest == record.read_text().strip():
            return str(path)
    download(url, path)
    record.write_text(hashlib.sha256(path.read_bytes()).hexdigest() + "\n")
    return str(path)


def download(url: str, path: Path) -> None:
    """Download a file; it is there whole or not at all.

    Raises:
        ToolError: it cannot be had.
    """
    import requests

    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with (
            os.fdopen(handle, "wb") as file,
            requests.get(url, stream=True, timeout=DOWNLOAD_TIMEOUT_S) as response,
        ):
            response.raise_for_status()
            for chunk in response.iter_content(CHUNK_BYTES):
                file.write(chunk)
            expected = response.headers.get("Content-Length")
            if (
                expected is not None
                and "Content-Encoding" not in response.headers
                and (file.tell() != int(expected))
            ):
                raise ToolError(f"{url}: {file.tell()} of {expected} bytes arrived")
        os.replace(name, path)
    except (requests.RequestException, OSError) as error:
        raise ToolError(
            f"benchmark_model cannot be downloaded from {url} ({type(error).__name__}): give "
            "--device-tool PATH"
        ) from None
    finally:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
