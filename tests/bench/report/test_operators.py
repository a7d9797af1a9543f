"""Time by operator: the file, the rows that add up, the part of the page, the command."""

import json
from dataclasses import asdict, replace

import pytest

from bench.__main__ import main
from bench.operators import (
    OUTSIDE,
    SUM,
    WHOLE,
    ModelOperators,
    closing_rows,
    each_table,
    kind_rows,
    kinds_table,
    read_record,
    to_json,
)
from bench.report.page import render
from bench.report.section import read_inputs
from bench.results.session import ResultsError
from models.files.artifacts import artifact
from models.zoo import ARCHITECTURES
from tests.bench.report.html import parse
from tests.bench.report.samples import PRECISIONS, Sample, operator_profile, operators_text


def _changed(change) -> str:
    data = json.loads(operators_text())
    change(data)
    return json.dumps(data)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        _changed(lambda data: data.update(format=2)),
        _changed(lambda data: data.update(operators=[])),
        _changed(lambda data: data["operators"][0].update(invoke_us=float("nan"))),
        _changed(lambda data: data["operators"][0].update(invoke_us=0)),
        _changed(lambda data: data["operators"][0].update(operators=[])),
        _changed(lambda data: data["operators"][0].pop("model")),
        _changed(lambda data: data["operators"][0]["operators"][0].update(microseconds=-1)),
        _changed(lambda data: data["operators"][0]["operators"][0].update(colour="red")),
        _changed(lambda data: data["operators"][0]["operators"][0].update(name=5)),
    ],
)
def test_another_file_gets_one_line(tmp_path, text):
    path = tmp_path / "operators.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ResultsError, match=r"operators\.json: not a file of python -m") as caught:
        read_record(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("table", [each_table, kinds_table])
@pytest.mark.parametrize("outside_us", [8.0, -8.0])
def test_the_rows_add_up(table, outside_us):
    profile = operator_profile(0)
    profile = replace(profile, invoke_us=profile.operators_us + outside_us)
    made = table(profile)
    assert [row.name for row in closing_rows(profile)] == [SUM, OUTSIDE, WHOLE]
    for head, whole in (("us", profile.invoke_us), ("share", 1)):
        place = list(made.heads).index(head)
        *parts, total, outside, all_of_it = (row[place] for row in made.rows)
        assert sum(parts) == pytest.approx(total)
        assert total + outside == pytest.approx(all_of_it) == pytest.approx(whole)
    assert outside == pytest.approx(outside_us / profile.invoke_us)
    counts = [row[list(made.heads).index("count")] for row in made.rows]
    assert sum(counts[:-3]) == counts[-3] == len(profile.operators)


def test_kinds_are_put_together_and_ordered():
    first, *others = kind_rows(operator_profile(0))
    assert (first.name, first.count, first.microseconds) == ("Convolution IGEMM", 2, 30.0)
    assert first.multiply_accumulates == 70_000
    assert first.least_gflops == pytest.approx(2 * 70_000 / (30 + 2) / 1e3)
    assert [row.microseconds for row in others] == sorted(
        (row.microseconds for row in others), reverse=True
    )


def test_an_unknown_cost_makes_no_rate_of_a_part():
    profile = operator_profile(0)
    rows = {row.name: row for row in (*kind_rows(profile), *closing_rows(profile))}
    for name in ("Fully Connected GEMM", SUM):
        assert rows[name].multiply_accumulates is rows[name].least_gflops is None
    assert rows["Softmax"].multiply_accumulates == 0
    assert rows["Softmax"].least_gflops is None


def test_the_page_shows_what_the_file_holds(page):
    section = parse(page).section("operators")
    rows = section.csv()
    for number, architecture in enumerate(ARCHITECTURES):
        profile = operator_profile(number)
        for precision in PRECISIONS:
            found = [row for row in rows if row["model"] == f"{architecture}-{precision}"]
            drawn = [row for row in found if row["number"]]
            assert [(row["operator"], float(row["us"])) for row in drawn] == [
                (each.name, each.microseconds) for each in profile.operators
            ]
            closing = {row["operator"]: float(row["us"]) for row in found if not row["number"]}
            assert list(closing.values()) == [
                profile.operators_us, profile.outside_us, profile.invoke_us
            ]  # fmt: skip
    (body,) = section.all("tbody")
    cells = [[cell.text for cell in row.all("td")] for row in body.all("tr")]
    expected = ["AlexNet int8", "Convolution IGEMM", "XNNPACK", "2", "30.0"]
    assert expected in [row[:5] for row in cells]
    texts = {text.text.strip() for text in section.all("text")}
    assert {"Convolution IGEMM", OUTSIDE, "AlexNet float32", "41 µs"} <= texts


def test_operators_slower_than_the_call_are_drawn_too(tmp_path):
    profile = replace(operator_profile(0), invoke_us=10.0)
    path = tmp_path / "operators.json"
    path.write_text(to_json([ModelOperators({"model": "mine"}, profile)]), encoding="utf-8")
    run = Sample().add_host().write(tmp_path / "run.json")
    section = parse(render(read_inputs([run], operators=path))).section("operators")
    row = next(row for row in section.all("tr") if OUTSIDE in row.text)
    assert float(row.all("td")[4].text) < 0


class TestTheCommand:
    """`python -m bench operators`, with the real runtime."""

    def test_it_measures_prints_and_writes(self, tmp_path, capsys):
        path = tmp_path / "out" / "operators.json"
        choice = ["--architecture", "mobilenet_v2", "--precision", "int8"]
        assert main(["operators", *choice, "--rounds", "10", "--json", str(path)]) == 0
        printed = capsys.readouterr().out
        for word in ("mobilenet_v2-int8", "Convolution DWConv", "QUANTIZE", SUM, OUTSIDE, WHOLE):
            assert word in printed
        record = read_record(path)
        assert record.content == path.read_bytes()
        assert record.machine["cpu"]
        (model,) = record.models
        assert model.info == artifact("mobilenet_v2", "int8").describe()
        known = [each.multiply_accumulates for each in model.profile.operators]
        assert sum(known) == model.info["multiply_accumulates"]
        assert asdict(model.profile)["rounds"] >= 10

    def test_a_row_for_each_operator(self, tmp_path, capsys, monkeypatch):
        monkeypatch.setenv("COLUMNS", "120")
        path = tmp_path / "mine.tflite"
        path.write_bytes(artifact("mobilenet_v2", "float32").read_bytes())
        assert main(["operators", "--model", str(path), "--rounds", "1", "--each"]) == 0
        printed = capsys.readouterr().out
        assert "mine, litert" in printed
        assert printed.count("DEPTHWISE_CONV_2D") == 9

    def test_a_damaged_model_costs_one_line_and_no_other_model(self, tmp_path, capsys):
        good, bad, path = (tmp_path / name for name in ("good.tflite", "bad.tflite", "o.json"))
        good.write_bytes(artifact("mobilenet_v2", "int8").read_bytes())
        bad.write_bytes(good.read_bytes()[:9_000])
        arguments = ["--model", str(bad), "--model", str(good), "--rounds", "1"]
        assert main(["operators", *arguments, "--json", str(path)]) == 1
        error = capsys.readouterr().err
        assert error.startswith(f"error: {bad}: ")
        assert error.count("\n") == 1
        assert [model.info["model"] for model in read_record(path).models] == ["good"]
