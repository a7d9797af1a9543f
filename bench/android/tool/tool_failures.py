"""Why a run of `benchmark_model` failed."""

from __future__ import annotations

from bench.android.adb.device import NOT_EXECUTABLE, NOT_FOUND
from bench.android.adb.errors import DeviceError, printable
from bench.android.tool.result_lines import ERROR_PREFIX, TOO_OLD, without_prefix

SIGNALLED = 128
"""Above it, an exit status of a shell holds the number of a signal."""

_LINKER = ("CANNOT LINK EXECUTABLE", "error while loading shared libraries", "program alignment (")
"""In a line of the device's linker; it aborts afterwards, which looks like a crash of the tool."""

_FAILURES = (
    "Unconsumed cmdline flags",
    "Benchmarking failed",
    "Failed to apply",
    "Failed to parse flag",
    "Disallowed CPU fallback",
)


def find_failure(output: str) -> str | None:
    """Return the line that says most about a failure that the tool itself reports, else None.

    That is its first error; `Benchmarking failed` alone says nothing.
    """
    lines = output.splitlines()
    if any(TOO_OLD in line for line in lines):
        return f"it is too old ({TOO_OLD!r}): give --device-tool one of 2020 or later"
    if not any(failure in line for line in lines for failure in _FAILURES):
        return None
    for line in lines:
        text = without_prefix(line)
        if ERROR_PREFIX.match(line) or any(text.startswith(f) for f in _FAILURES):
            return printable(text)
    return printable(next(line for line in lines for f in _FAILURES if f in line))


def exit_error(status: int, output: str) -> DeviceError:
    """Return the error for an exit status of the tool other than 0."""
    said = next((line for line in reversed(output.splitlines()) if line.strip()), "")
    linker = next((line for line in output.splitlines() for each in _LINKER if each in line), None)
    if linker is not None:
        message = f"the device cannot link benchmark_model: {printable(linker)}"
    elif failure := find_failure(output):  # the tool says itself what is the matter
        message = f"benchmark_model: {failure}"
    elif status == NOT_FOUND:
        message = f"benchmark_model is not on the device, or what should load it: {printable(said)}"
    elif status == NOT_EXECUTABLE:
        message = f"the device cannot execute benchmark_model: {printable(said)}"
    elif status > SIGNALLED:
        message = f"benchmark_model crashed (signal {status - SIGNALLED})"
    else:
        message = f"benchmark_model exited with status {status}: {printable(said)}"
    return DeviceError(message)
