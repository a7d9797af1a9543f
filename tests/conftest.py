"""What all tests share, and how hard hypothesis tries: the profiles `dev` and `thorough`.

Where the environment says CI, hypothesis takes its own profile `ci`. None has a deadline: a machine
that is busy must not fail a test.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings
from hypothesis.database import DirectoryBasedExampleDatabase

# pytest-benchmark measures nothing where this is set, not even in a pytest that a test starts.
os.environ.pop("PYTEST_XDIST_WORKER", None)

settings.register_profile(
    "dev",
    max_examples=25,
    deadline=None,
    print_blob=True,
    database=DirectoryBasedExampleDatabase(".hypothesis/examples"),  # in CI, too
)
settings.register_profile(
    "thorough",
    max_examples=10_000,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
if settings.get_current_profile_name() == "default":
    settings.load_profile("dev")
