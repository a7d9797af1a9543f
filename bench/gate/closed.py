"""Failing closed: what is no verdict ends with exit status 2, whatever went wrong."""

from __future__ import annotations

import sys
from collections.abc import Callable

from bench.gate.judge.outcome import CANNOT_JUDGE, FAIL, Outcome
from bench.gate.measure.gate_error import GateError
from bench.results.session import ResultsError


def fail_closed(judge: Callable[[], int]) -> int:
    """Return the exit status that `judge` returns; 2, and one line, where it raises anything."""
    try:
        return judge()
    except Exception as error:
        print(f"could not judge: {one_line(error)}", file=sys.stderr)
        if isinstance(error, GateError) and error.details:
            print(error.details, file=sys.stderr)
        return CANNOT_JUDGE


def status_after(outcome: Outcome, write: Callable[[], None]) -> int:
    """Return the outcome's exit status once it is written; no pass where it cannot be.

    A regression was measured, and stays one.
    """
    try:
        write()
    except Exception as error:
        print(f"the outcome is not written: {one_line(error)}", file=sys.stderr)
        return FAIL if outcome.exit_status == FAIL else CANNOT_JUDGE
    return outcome.exit_status


def one_line(error: Exception) -> str:
    """Say what went wrong; where nobody expected it, also where."""
    if isinstance(error, (GateError, ResultsError)):
        return str(error)
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f" ({trace.tb_frame.f_code.co_filename}:{trace.tb_lineno})" if trace else ""
    return " ".join(f"{type(error).__name__}: {error}".split()) + place
