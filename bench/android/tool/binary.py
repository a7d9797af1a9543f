"""Finding `benchmark_model` for a device: a file of the user's, else the published one.

Source of the address: the LiteRT project's versioned binaries, a bucket that its own command line
reads from.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from bench.android.adb.errors import DeviceError, printable
from bench.results.session import ResultsError
from bench.tables import write


@dataclass(frozen=True)
class Published:
    """A published binary.

    Attributes:
        version: of the release.
        url: where it is.
        sha256: how its sha256 begins, as far as it is publicly known; another file is refused.
    """

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

    @classmethod
    def read(cls, path: Path, option: str) -> Tool:
        """Read a file of the user's; `option` is what named it.

        Raises:
            DeviceError: it cannot be read.
        """
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

    Raises:
        DeviceError: it is missing, the device cannot execute it, it is not published, cannot be
            downloaded, or is not the one that was published.
    """
    tool = Tool.read(path if path is not None else _cached(abis), "--device-tool")
    _check_executable(tool.content, abis, page_bytes, printable(tool.source))
    return tool


def _check_executable(
    content: bytes, abis: Sequence[str], page_bytes: int | None, name: str
) -> None:
    """Refuse what a device cannot execute."""
    if content[:2] == b"#!":
        return
    elf = read_elf(content)
    if elf is None:
        raise DeviceError(f"{name}: not an executable (neither ELF nor a script)")
    if abis and elf.abi not in abis:
        known = printable(", ".join(abis))
        raise DeviceError(f"{name}: built for {elf.abi}, the device is {known}")
    if page_bytes and elf.alignment_bytes and elf.alignment_bytes < page_bytes:
        raise DeviceError(
            f"{name}: built for memory pages of {elf.alignment_bytes // 1024} KB, the device has "
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
    if not (path.is_file() and _digest(path).startswith(published.sha256)):
        download(published, path)
    return path


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def download(published: Published, path: Path) -> None:
    """Download a file; it is there whole or not at all.

    Raises:
        DeviceError: it cannot be had, or is another one.
    """
    import requests

    url = published.url

    def fetch(temporary: Path) -> None:
        try:
            with (
                temporary.open("wb") as file,
                requests.get(url, stream=True, timeout=DOWNLOAD_TIMEOUT_S) as response,
            ):
                response.raise_for_status()
                for chunk in response.iter_content(CHUNK_BYTES):
                    file.write(chunk)
        except requests.RequestException as error:
            raise DeviceError(
                f"benchmark_model cannot be downloaded from {url} ({type(error).__name__}): give "
                "--device-tool PATH"
            ) from None
        if not (digest := _digest(temporary)).startswith(published.sha256):
            raise DeviceError(
                f"{url} gave another file than benchmark_model {published.version} (sha256 "
                f"{digest}, expected {published.sha256}…): give --device-tool PATH"
            )

    try:
        write(path, fetch)
    except ResultsError as error:
        raise DeviceError(f"{error}: give --device-tool PATH") from None


MACHINES = {40: "armeabi-v7a", 183: "arm64-v8a", 3: "x86", 62: "x86_64", 243: "riscv64"}
"""`e_machine`, by Android's name of the ABI."""

MAGIC = b"\x7fELF"
_LOAD = 1


@dataclass(frozen=True)
class Executable:
    """What an ELF file is for.

    Attributes:
        abi: Android's name of the ABI, else the number of the machine.
        alignment_bytes: what its loaded parts are aligned to; None where it does not say.
    """

    abi: str
    alignment_bytes: int | None


def read_elf(content: bytes) -> Executable | None:
    """Return what an ELF file is for; None where it is none."""
    if content[:4] != MAGIC or len(content) < 20:
        return None
    (machine,) = struct.unpack_from("<H", content, 18)
    return Executable(MACHINES.get(machine, f"ELF machine {machine}"), _alignment_bytes(content))


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
