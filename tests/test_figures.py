"""The figures in the pages' tables are those of committed records."""

import json
from collections.abc import Iterable

import pytest

from models import zoo
from models.__main__ import main
from models.files.artifacts import DIRECTORY, artifact
from models.judging.robustness import CHANGES
from models.judging.seeds import compare, summarise
from models.training.records import RunRecord, read_records
from models.training.runs import BASELINE
from tests.processes import ROOT

RECORDS = read_records()
ROBUSTNESS = json.loads((DIRECTORY / "robustness.json").read_text(encoding="utf-8"))
SPEED = ROOT / "bench" / "speed.json"
RIGHT = {
    change["name"]: {model: each["correct"] for model, each in change["accuracy"].items()}
    for change in ROBUSTNESS["changes"]
}


def lines(page: str) -> list[str]:
    """The rows of a page's tables, without marks of bold."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [line.replace("**", "") for line in text.splitlines() if line.startswith("|")]


def runs(name: str, split: str) -> list[RunRecord]:
    return [each for each in RECORDS if (each.architecture, each.split) == (name, split)]


def span(shares: Iterable[float], digits: int) -> str:
    return " to ".join(f"{100 * each:.{digits}f}" for each in (min(shares), max(shares)))


def other_series(name: str) -> str:
    found = summarise(runs(name, "other-series"))
    return f"{100 * found.mean:.1f} % ({span(found.interval, 0)})"


@pytest.mark.parametrize("row", zoo.ARCHITECTURES.values(), ids=zoo.ARCHITECTURES)
def test_a_networks_figures(row):
    cards = [artifact(row.name, precision).require_card() for precision in ("float32", "int8")]
    sizes = " / ".join(f"{card.file_bytes / 1000:,.0f}" for card in cards)
    right = " / ".join(f"{100 * card.accuracy.fraction:.2f}" for card in cards)
    changed = {name: shares[f"{row.name}-float32"] for name, shares in RIGHT.items()}
    assert changed["none"] == cards[0].accuracy.correct
    assert ROBUSTNESS["fingerprint"] == cards[0].accuracy.fingerprint
    worst = min(changed, key=changed.get)
    share = f"{100 * changed[worst] / ROBUSTNESS['images']:.1f} % ({worst})"
    end = f"| {sizes} | {right} % | {other_series(row.name)} | {share} |"
    assert any(
        line.startswith(f"| {row.title} |") and line.endswith(end) for line in lines("README.md")
    ), end

    whole, other = (runs(row.name, split) for split in ("whole", "other-series"))
    above = compare(other, runs(BASELINE, "other-series"))
    study = f" ({row.study.parameters:,})" if row.study else ""
    wanted = f"{100 * row.study.accuracy:.1f} %" if row.study else "-"
    assert (
        f"| {row.title} | {cards[0].trained_parameters:,}{study} | {wanted} "
        f"| {span(summarise(whole).accuracies, 2)} % | {span(summarise(other).accuracies, 1)} % "
        f"| {100 * above.mean:+.1f} ({' to '.join(f'{100 * each:.0f}' for each in above.interval)})"
        " |"
    ) in lines("models/README.md")


def test_colours_alone():
    share = f"{100 * runs(BASELINE, 'whole')[0].accuracy.fraction:.2f} %"
    wanted = f"| nearest neighbour on colours | - | - | {share} | {other_series(BASELINE)} | - |"
    assert wanted in lines("README.md")


def test_changed_photographs():
    assert list(RIGHT) == [change.name for change in CHANGES]
    table = lines("tests/models/preprocessing/README.md")
    for name, right in RIGHT.items():
        shares = (right[f"{row}-float32"] / ROBUSTNESS["images"] for row in zoo.ARCHITECTURES)
        assert f"| {name} | {' | '.join(f'{share:.2%}' for share in shares)} |" in table


def test_list_tells_the_same_of_other_series(capsys):
    assert main(["list", "--json"]) == 0
    for row in json.loads(capsys.readouterr().out):
        found = summarise(runs(row["name"], "other-series")).accuracies
        assert row["other_series"] == pytest.approx(found)


@pytest.mark.skipif(not SPEED.exists(), reason="bench/speed.json: python -m tests.proofs.speed")
def test_times():
    speed = json.loads(SPEED.read_text(encoding="utf-8"))
    quartiles_us, page = speed["classify_us"], lines("bench/README.md")
    for row in zoo.ARCHITECTURES.values():
        cells = (
            "{1:.1f} ({0:.1f} to {2:.1f})".format(*quartiles_us[f"{row.name}-{precision}"])
            for precision in ("float32", "float16", "dynamic", "int8")
        )
        assert f"| {row.title} | {' | '.join(cells)} |" in page
        medians = [quartiles_us[f"{row.name}-{precision}"][1] for precision in ("float32", "int8")]
        told = " / ".join(f"{each:.0f}" if each >= 100 else f"{each:.1f}" for each in medians)
        assert any(line.startswith(f"| {row.title} | {told} |") for line in lines("README.md"))
