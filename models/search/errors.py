"""What a search refuses."""

from __future__ import annotations


class SearchError(Exception):
    """The search cannot be done or continued; the message is one line that says why."""
