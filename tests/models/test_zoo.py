"""The table of architectures."""

from pathlib import Path

import pytest

from models import zoo
from models.data.fruits360 import SMALLEST_ACCEPTED_ACCURACY
from models.zoo import Bounds

BUILDERS = Path(zoo.__file__).parent / "architectures"


def test_every_builder_has_a_row_and_every_row_a_builder():
    files = {path.stem for path in BUILDERS.glob("*.py")} - {"__init__"}
    assert files == set(zoo.ARCHITECTURES)


def test_titles_are_distinct():
    """The names of rows are the table's keys, so a second row of one name would hide the first."""
    rows = Path(zoo.__file__).read_text(encoding="utf-8").count("        Architecture(")
    assert len(zoo.ARCHITECTURES) == rows
    assert len({row.title for row in zoo.ARCHITECTURES.values()}) == rows


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(KeyError, match=r"unknown architecture 'alexnett'.*alexnet, .*mobilenet_v2"):
        zoo.find("alexnett")


def test_the_bounds_are_those_that_were_promised():
    """Those of the study's four are its own figures; the fifth's stand in the README."""
    assert {name: row.bounds for name, row in zoo.ARCHITECTURES.items()} == {
        "alexnet": Bounds(952_835, 0.971),
        "alexnet_separable": Bounds(866_750, 0.998),
        "mobilenet_v1": Bounds(801_795, 0.992),
        "mobilenet_v2": Bounds(98_379, 0.998),
        "patch_separable": Bounds(8_000, 0.998),
    }
    assert [name for name, row in zoo.ARCHITECTURES.items() if not row.in_study] == [
        "patch_separable"
    ]
    assert SMALLEST_ACCEPTED_ACCURACY == 0.97
