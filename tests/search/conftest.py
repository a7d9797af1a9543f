"""What the tests of the search share."""

from __future__ import annotations

import signal

import pytest


@pytest.fixture
def ctrl_c():
    """Let this process heed Ctrl-C: a shell's background job, as CI may be, ignores it."""
    inherited = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, inherited)
