"""What all tests share, and how hard hypothesis tries: the profiles `dev` and `thorough`.

Where the environment says CI, hypothesis takes its own profile `ci`. None has a deadline: a machine
that is busy must not fail a test.
"""

import os
from pathlib import Path

import pytest
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


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Where slow tests are left out, do not import a module of them: TensorFlow takes seconds."""
    if config.getoption("markexpr") != "not slow" or collection_path.suffix != ".py":
        return None
    return "\npytestmark = pytest.mark.slow\n" in collection_path.read_text("utf-8") or None


@pytest.hookimpl(tryfirst=True)  # before `-m` looks at the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what asks for a Keras model as slow."""
    for item in items:
        if {"keras_model", "network"} & {*getattr(item, "fixturenames", ())}:
            item.add_marker("slow")
