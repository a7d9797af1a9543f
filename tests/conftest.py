"""What all tests share."""

from __future__ import annotations

import os

# pytest-benchmark measures nothing where this is set, not even in a pytest that a test starts.
os.environ.pop("PYTEST_XDIST_WORKER", None)
