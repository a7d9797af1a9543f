"""What is measured in a block, and what a block measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BASE, HEAD = "base", "head"


@dataclass(frozen=True)
class Tree:
    """A revision that is checked out.

    Attributes:
        name: "head", or what a base is called, such as "base" or "base v1.2".
        root: the project's directory.
        python: the interpreter that runs it.
        arguments: of pytest, for this tree alone.
    """

    name: str
    root: Path
    python: str
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Settings:
    """How blocks are measured.

    Attributes:
        rounds: timed rounds of each benchmark in each process.
        warmup_rounds: rounds before them.
        only: ids of benchmarks begin with one of these; empty for all.
        pytest_arguments: more arguments, the same for all trees.
        is_device: whether the rounds are those of an Android device.
        shares_core: whether all processes are bound to one core.
        slowed: factors that head's rounds are multiplied by to test the gate, by benchmark.
        environment: more environment variables, the same for all trees.
    """

    rounds: int = 30
    warmup_rounds: int = 3
    only: tuple[str, ...] = ()
    pytest_arguments: tuple[str, ...] = ()
    is_device: bool = False
    shares_core: bool = True
    slowed: Mapping[str, float] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Sample:
    """A benchmark's rounds in one process.

    Attributes:
        rounds_s: seconds of each round.
        info: pytest-benchmark's `extra_info`.
    """

    rounds_s: tuple[float, ...]
    info: dict[str, Any]


@dataclass(frozen=True)
class Took:
    """How long a benchmark kept the machine, in all processes together.

    Attributes:
        setup_s: making it ready and clearing it away.
        rounds_s: its rounds, those to warm up included.
    """

    setup_s: float
    rounds_s: float


@dataclass
class Block:
    """What one process of each tree measured.

    Attributes:
        order: the trees, in the order in which their processes were started.
        cpus: the cores that all ran on; empty where they were not bound.
        rounds: timed rounds of each benchmark in each process.
        seconds: how long it took in all.
        samples: by tree, then benchmark.
        skipped: why a tree skipped a benchmark; by tree, then benchmark.
        took: by benchmark.
    """

    order: list[str]
    cpus: list[int]
    rounds: int = 0
    seconds: float = 0.0
    samples: dict[str, dict[str, Sample]] = field(default_factory=dict)
    skipped: dict[str, dict[str, str]] = field(default_factory=dict)
    took: dict[str, Took] = field(default_factory=dict)

    def shared(self, base: str) -> list[str]:
        """Return the benchmarks that a base and head both measured."""
        return [name for name in self.samples[base] if name in self.samples[HEAD]]

    @property
    def startup_s(self) -> float:
        """What it took beside the benchmarks: starting, collecting, ending."""
        return self.seconds - sum(each.setup_s + each.rounds_s for each in self.took.values())
