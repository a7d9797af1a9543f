"""The list of plugins and the command-line options; what they do is in `fixtures/`."""

from __future__ import annotations

from models.artifacts import PRECISIONS
from models.commands.arguments import non_negative, positive
from models.runtimes import RUNTIMES
from models.zoo import ARCHITECTURES

pytest_plugins = [
    "fixtures.options",
    "fixtures.architectures",
    "fixtures.runtimes",
    "fixtures.photographs",
    "fixtures.measuring",
    "fixtures.summary",
    "fixtures.hypothesis_profiles",
]


def pytest_addoption(parser):
    what = parser.getgroup("what is measured")
    what.addoption(
        "--architecture",
        action="append",
        choices=list(ARCHITECTURES),
        help="only this architecture; repeatable",
    )
    what.addoption(
        "--precision",
        action="append",
        choices=list(PRECISIONS),
        help="only this precision; repeatable",
    )
    what.addoption(
        "--model",
        action="append",
        default=[],
        metavar="PATH",
        help="a .tflite file of your own joins every benchmark; repeatable",
    )
    how = parser.getgroup("how it is measured")
    how.addoption(
        "--runtime",
        action="append",
        choices=list(RUNTIMES),
        help="only this runtime; repeatable; default: all that are installed",
    )
    how.addoption(
        "--threads",
        type=positive,
        default=1,
        metavar="N",
        help="threads of an interpreter; default: 1",
    )
    how.addoption(
        "--rounds",
        type=positive,
        default=100,
        metavar="N",
        help="timed rounds of each benchmark; default: 100, as in the study",
    )
    how.addoption(
        "--warmup-rounds",
        type=non_negative,
        default=10,
        metavar="N",
        help="rounds before the timed ones; default: 10",
    )
    data = parser.getgroup("data set")
    data.addoption(
        "--fruits360",
        metavar="DIR",
        help="the photographs; default: FRUITS360_DIR, else the user's cache",
    )
    data.addoption(
        "--require-dataset",
        action="store_true",
        help="fail, not skip, the tests that need the photographs",
    )
