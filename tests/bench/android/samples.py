"""Rounds that nobody measured, and who remembers what he was told."""

from bench.android.measure import Progress
from bench.android.rounds import Sitting
from bench.android.tool.output import DeviceRound, ToolFacts


def round_of(inference_ns: float, tick_ns: int = 1_000) -> DeviceRound:
    facts = ToolFacts("interpreter", tick_ns, 3, 1, ())
    return DeviceRound(1.0, 1.0, inference_ns, None, None, None, 0.1, facts)


def sitting_of(inference_ns: list[float]) -> Sitting:
    return Sitting(tuple(map(round_of, inference_ns)), 1.0, 0, 0)


class Told(Progress):
    """A progress that remembers what it was told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def tell(self, line: str) -> None:
        self.lines.append(line)
