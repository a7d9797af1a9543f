"""Why no report could be made."""

from __future__ import annotations


class ReportError(Exception):
    """What was given cannot be shown; the message is one line that says why."""
