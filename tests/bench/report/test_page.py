"""What stands on the page: the results' own numbers, and nothing from elsewhere."""

import json
import re
import statistics

import pytest

from bench.report.page import render
from bench.report.section import read_inputs
from models.zoo import ARCHITECTURES
from tests.bench.report.html import parse
from tests.bench.report.samples import ROBUSTNESS, RUNTIMES, Sample

FIGURES = ("latency", "rounds", "tradeoff", "stages", "robustness", "roofline", "operators",
           "device-1", "device-2", "history")  # fmt: skip


@pytest.fixture(scope="module")
def root(page):
    """The page's elements."""
    return parse(page)


@pytest.fixture(scope="module")
def data(files):
    """The newer run's JSON."""
    return json.loads(files["new"].read_text())


def _rounds_ms(data, name: str) -> list[float]:
    (found,) = [each for each in data["benchmarks"] if each["name"] == name]
    return [1e3 * each for each in found["stats"]["data"]]


def _table(root, name: str) -> list[dict[str, str]]:
    """Return a part's table; of a number its exact value."""
    section = root.section(name)
    heads = [head.text for head in section.all("th")]
    (body,) = section.all("tbody")
    return [
        {
            head: cell.attributes.get("data-value", cell.text)
            for head, cell in zip(heads, row.all("td"), strict=True)
        }
        for row in body.all("tr")
    ]


def test_the_study_stands_beside_ours(root, data):
    rows = _table(root, "study")
    assert [row["model"] for row in rows] == [each.title for each in ARCHITECTURES.values()]
    for row, architecture in zip(rows, ARCHITECTURES.values(), strict=True):
        info = next(
            each["extra_info"]
            for each in data["benchmarks"]
            if each["name"] == f"test_classify[{architecture.name}-float32-litert]"
        )
        if architecture.study is None:
            assert row["parameters, study"] == row["accuracy, study"] == "-"
        else:
            assert int(row["parameters, study"]) == architecture.study.parameters
            assert float(row["accuracy, study"]) == architecture.study.accuracy
        assert int(row["trained parameters"]) == info["trained_parameters"]
        assert float(row["accuracy"]) == info["accuracy"]
        assert int(row["bytes"]) == info["file_bytes"]
        for runtime, version in RUNTIMES.items():
            rounds = _rounds_ms(data, f"test_classify[{architecture.name}-float32-{runtime}]")
            assert float(row[f"mean ms, {runtime} {version}"]) == pytest.approx(
                statistics.fmean(rounds)
            )


def test_a_number_reads_as_its_value_rounded(root):
    cells = root.all("td")
    checked = 0
    for cell in cells:
        if "data-value" in cell.attributes:
            text, value = cell.text.replace(",", ""), float(cell.attributes["data-value"])
            shown = float(text.rstrip("%")) / (100 if text.endswith("%") else 1)
            digits = len(text.rstrip("%").partition(".")[2]) + (2 if text.endswith("%") else 0)
            assert shown == pytest.approx(value, abs=0.50001 * 10**-digits)
            checked += 1
    assert checked > 200


def test_every_model_has_the_medians_of_its_rounds(root, data):
    rows = _table(root, "models")
    assert len(rows) == 2 * len(ARCHITECTURES) * len(RUNTIMES)
    by_title = {(row["model"], row["runs on"]): row for row in rows}
    row = by_title["AlexNet Separable int8", "tflite-runtime 2.14.0"]
    classify = _rounds_ms(data, "test_classify[alexnet_separable-int8-tflite-runtime]")
    invoke = _rounds_ms(data, "test_invoke[alexnet_separable-int8-tflite-runtime]")
    assert float(row["median ms"]) == pytest.approx(statistics.median(classify))
    assert float(row["invoke: median ms"]) == pytest.approx(statistics.median(invoke))


def test_every_round_is_one_click_away(root, data):
    rows = root.section("rounds").csv()
    assert len(rows) == 100 * 2 * len(ARCHITECTURES) * len(RUNTIMES)
    drawn = [
        float(row["ms"])
        for row in rows
        if (row["model"], row["runs on"]) == ("mobilenet_v1-int8", "litert 2.3.0")
    ]
    assert drawn == pytest.approx(_rounds_ms(data, "test_classify[mobilenet_v1-int8-litert]"))


def test_every_file_is_held_as_it_was_given(root, files):
    links = {each.attributes["download"]: each for each in root.section("conditions").all("a")}
    assert set(links) == {f"{path.name}.gz" for path in files.values()}
    for path in files.values():
        assert links[f"{path.name}.gz"].held() == path.read_bytes()
    for section in root.all("section"):
        for link in section.all("a"):
            assert link.attributes.get("data-file", link.attributes.get("download")) in {
                *links,
                f"{section.attributes['id']}.csv.gz",
            }


def test_history_goes_from_the_older_run_to_the_newer(root, data):
    rows = root.section("history").csv()
    older, newer = [
        row for row in rows if row["benchmark"] == "classify: AlexNet float32, litert 2.3.0"
    ]
    assert (older["commit"], older["sessions"]) == ("00000000", "1")
    assert newer["commit"] == "ffffffff"
    median = statistics.median(_rounds_ms(data, "test_classify[alexnet-float32-litert]"))
    assert float(newer["median ms"]) == pytest.approx(median)
    assert older["median ms"] != newer["median ms"]
    assert "Too few commits" in root.section("history").text


def test_a_phone_and_what_is_none_never_share_a_part(root):
    phone, emulated = (root.section(f"device-{number}") for number in (1, 2))
    assert "R58M" in phone.text
    assert "no phone" not in phone.text
    assert "emulated device: no phone" in emulated.text
    assert "not-a-phone" in emulated.attributes["class"]
    assert len(_table(root, "device-1")) == len(_table(root, "device-2")) == 1
    (row,) = _table(root, "device-1")
    assert float(row["inference, median ms"]) == pytest.approx(7.25, rel=0.05)
    assert all(float(each["ms"]) < 3 for each in root.section("device-2").csv())
    assert all(float(each["ms"]) > 5 for each in root.section("device-1").csv())


def test_the_conditions_are_told(root):
    text = root.section("conditions").text
    for fact in ("Example CPU, 4 cores", "f" * 40, "battery in °C 28.5", "0 at 0.84 of 1.69 GHz"):
        assert fact in text


def test_every_figure_says_what_it_shows(root):
    plots = root.all("svg", role="img")
    assert len(plots) == len(FIGURES)
    alts = [plot.attributes["aria-label"] for plot in plots]
    assert len(set(alts)) == len(alts)
    assert all(len(alt) > 40 for alt in alts)
    for name in FIGURES:
        assert len(root.section(name).all("svg")) == 1


def test_no_two_ids_are_the_same_and_every_reference_has_its_own(page):
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    references = {*re.findall(r'href="#([^"]+)"', page), *re.findall(r"url\(#([^)]+)\)", page)}
    assert references <= set(ids)


def test_nothing_is_loaded_from_elsewhere(page):
    addresses = re.findall(r"""(?:src|href|action|data|poster|srcset)\s*=\s*["']([^"']*)""", page)
    assert addresses
    assert all(each.startswith(("#", "data:")) for each in addresses)
    assert not re.search(r"@import|url\((?!#)|<script[^>]+src|fetch\(|XMLHttp", page)
    assert "default-src 'none'" in page


def test_a_name_from_a_file_is_text_and_no_markup(tmp_path):
    sample = Sample().add_host()
    for each in sample.data["benchmarks"]:
        if each["extra_info"].get("model") == "alexnet-float32":
            each["extra_info"] |= {"model": "<script>alert(1)</script>", "architecture": None}
    page = render(read_inputs([sample.write(tmp_path / "a.json")]))
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    parse(page)


def test_a_failed_benchmark_is_told_and_its_rows_are_marked(tmp_path):
    sample = Sample().add_host()
    wrong = "bench/test_x.py::test_classify[alexnet-int8-litert]"
    sample.data["failed"] = [{"fullname": wrong, "reason": "assert 0 == 3"}]
    sample.data["load"] = {"load_average": 9.25, "cores": 2, "steal_share": 0.0, "clock_mhz": 2000}
    root = parse(render(read_inputs([sample.write(tmp_path / "a.json")])))
    failed, disturbed = root.all("p", **{"class": "warning"})
    assert failed.text.startswith("a.json: test_classify[alexnet-int8-litert] failed")
    assert "disturbed: load average 9.2 on 2 cores" in disturbed.text
    assert "clock mhz 2000" in root.section("conditions").text
    titles = [row["model"] for row in _table(root, "models")]
    assert titles.count("AlexNet int8 (failed)") == titles.count("AlexNet int8") == 1


def test_of_ones_own_pictures_the_page_does_not_speak_of_the_study(tmp_path):
    """As `--artifacts` measures files that learnt them."""
    sample = Sample().add_host()
    for each in sample.data["benchmarks"]:
        each["extra_info"]["pictures"] = "another fingerprint"
    robustness = tmp_path / "robustness.json"
    robustness.write_text(json.dumps({**ROBUSTNESS, "accepted": None}), encoding="utf-8")
    root = parse(render(read_inputs([sample.write(tmp_path / "a.json")], robustness)))
    assert "study" not in root.text
    assert "photograph" not in root.text
    assert "97%" not in root.section("robustness").text
    (row,) = _table(root, "robustness")
    assert float(row["alexnet-float32"]) == pytest.approx(0.6125 - 0.9991)


def test_one_model_is_compared_with_no_other(tmp_path):
    sample = Sample().add_host()
    entries = sample.data["benchmarks"]
    entries[:] = [each for each in entries if "alexnet-float32-litert" in each["name"]]
    root = parse(render(read_inputs([sample.write(tmp_path / "a.json")])))
    assert "Of these models" not in root.section("latency").text


def test_runs_of_different_models_have_no_history(tmp_path):
    """Nor one of what they share beside the models: the cost of an empty round."""
    files = []
    for number, kept in enumerate(("alexnet-", "mobilenet_v2-")):
        sample = Sample(number, f"{number}" * 40, 1 + number).add_host()
        entries = sample.data["benchmarks"]
        entries[:] = [each for each in entries if kept in each["extra_info"].get("model", kept)]
        files.append(sample.write(tmp_path / f"{number}.json"))
    root = parse(render(read_inputs(files)))
    assert "history" not in [each.attributes["id"] for each in root.all("section")]
    (missing,) = root.all("ul", id="missing")
    assert "two commits or more, of one model on one processor" in " ".join(missing.text.split())


def test_what_is_missing_is_told_with_its_remedy(tmp_path):
    sample = Sample().add_device("R58M", emulated=False, milliseconds=7)
    root = parse(render(read_inputs([sample.write(tmp_path / "a.json")])))
    assert [each.attributes["id"] for each in root.all("section")] == ["device-1", "conditions"]
    (missing,) = root.all("ul", id="missing")
    lines = [" ".join(each.text.split()) for each in missing.all("li")]
    assert len(lines) == 7
    assert lines[0] == (
        "Inference on this machine: "
        "pytest --benchmark-only --benchmark-autosave bench/test_host_inference.py"
    )
