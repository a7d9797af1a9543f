"""What a report is made of is refused, with a line that says why, where it says too little."""

from __future__ import annotations

import pytest

from bench.report.errors import ReportError
from bench.report.inputs import read_inputs
from bench.report.robustness import read_robustness
from tests.bench.report.samples import ROBUSTNESS, Sample


def test_results_of_another_suite_are_refused(tmp_path):
    sample = Sample().add_host()
    entries = sample.data["benchmarks"]
    entry = next(each for each in entries if each["name"].startswith("test_classify["))
    del entry["extra_info"]["model"]
    with pytest.raises(ReportError, match="has no model in its extra_info"):
        read_inputs([sample.write(tmp_path / "run.json")])


def test_what_is_no_result_is_refused(tmp_path):
    with pytest.raises(ReportError, match="cannot be read: No such file"):
        read_inputs([tmp_path / "none.json"])


def test_the_table_of_robustness_is_read(tmp_path):
    path = tmp_path / "robustness.md"
    path.write_text(ROBUSTNESS)
    table = read_robustness(path)
    assert table.mild == {"none"}
    assert table.accuracies["none"] == {"alexnet-float32": 0.9991, "mobilenet_v2-int8": 0.965}


@pytest.mark.parametrize(
    "content",
    ["", "no table", "| other | a |\n|---|---|\n| x | 5% |", "| change | a |\n|---|---|",
     "| change | a |\n|---|---|\n| none | fast |", "| change | a |\n|---|---|\n| none | 101% |",
     "| change | a | b |\n|---|---|---|\n| none | 1% |"],
)  # fmt: skip
def test_what_is_no_table_is_refused(tmp_path, content):
    path = tmp_path / "robustness.md"
    path.write_text(content)
    with pytest.raises(ReportError, match="not the table of python -m models robustness"):
        read_robustness(path)


def test_the_table_is_the_one_that_the_command_prints(tmp_path):
    from models.judging import robustness

    changes = robustness.CHANGES[:3]
    measured = [robustness.Measured(change, "alexnet-int8", 0.99) for change in changes]
    path = tmp_path / "robustness.md"
    path.write_text(robustness.markdown(measured))
    table = read_robustness(path)
    assert table.accuracies == {change.name: {"alexnet-int8": 0.99} for change in changes}
    assert table.mild == {change.name for change in changes if change.is_mild}
