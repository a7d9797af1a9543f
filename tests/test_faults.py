"""The deliberate faults of `tests.mutants` and `tests.power` can still be made."""

from __future__ import annotations

import pytest

from tests.faults import MUTANTS
from tests.mutants import ROOT
from tests.preparation_faults import FAULTS


@pytest.mark.parametrize("fault", [*MUTANTS, *FAULTS], ids=lambda fault: fault.what)
def test_what_a_fault_replaces_stands_there_once(fault):
    assert (ROOT / fault.file).read_text(encoding="utf-8").count(fault.old) == 1
    file, *test = fault.tests.split("::")
    wanted = f"def {test[-1]}(" if test else "def test_"
    assert wanted in (ROOT / file).read_text(encoding="utf-8")


def test_each_fault_in_preparation_stands_in_the_table_of_power():
    page = (ROOT / "tests/models/preprocessing/README.md").read_text(encoding="utf-8")
    table = page[page.index("| fault | property |") :]
    rows = [line.split(" | ")[0].removeprefix("| ") for line in table.split("\n\n")[0].splitlines()]
    assert rows[2:] == [fault.what for fault in FAULTS]
