"""Time every operator of every model, here or on a phone: operators [options].

What is measured is shown as a table that adds up (operators, their sum, what is outside of them,
the call), and written as a file that the report reads.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.android.adb.errors import DeviceError
from bench.android.tool.program import DELEGATE_FLAGS
from bench.results.session import ResultsError, machine_info, reading
from bench.tables import Table, write_text
from models import zoo
from models.files.artifacts import DIRECTORY, PRECISIONS, Artifact, ArtifactError, artifact
from models.running.copies import shaped_copies, user_files
from models.running.operator_times import OperatorProfile, OperatorTime, profile_operators
from models.running.runtimes import RuntimeUnavailableError
from models.terminal.options import add_files, architecture_name, positive
from models.terminal.table import print_table

ROUNDS, DEVICE_ROUNDS = 500, 10
FORMAT = 1
SUM = "all operators"
OUTSIDE = "outside the operators"
WHOLE = "invoke"
HEADS = ("operator", "runs in", "count", "us", "share", "MACs", "GFLOP/s, at least")
FORMATS = ("", "", ",", ".1f", ".1%", ",", ".1f")
EACH_HEADS, EACH_FORMATS = ("number", "graph", *HEADS), (",", "", *FORMATS)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's arguments."""
    parser.epilog = "Exit status: 0 measured, 1 a model could not be measured, 2 bad usage."
    add = parser.add_argument
    # fmt: off
    add("--architecture", action="append", type=architecture_name, metavar="NAME",
        help="one of the project's, repeatable; default: all, or none beside --model")
    add_files(parser, "all", "a .tflite file of your own")
    add("--rounds", type=positive, metavar="N",
        help="calls of each model (on a device processes), without the profiler and with it; "
        f"default: {ROUNDS}, on a device {DEVICE_ROUNDS}")
    add("--device", metavar="SERIAL", help="a phone, in place of this machine")
    add("--device-tool", type=Path, metavar="PATH", help="its benchmark_model; default: LiteRT's")
    add("--device-delegate", choices=DELEGATE_FLAGS, default="cpu", help="default: cpu")
    add("--device-libraries", type=Path, metavar="DIR", help="an accelerator's libraries (*.so)")
    add("--each", action="store_true", help="a row for every operator, not for every kind")
    add("--json", type=Path, metavar="FILE",
        help="write what was measured, for python -m bench report --operators FILE")
    # fmt: on


def run(arguments: argparse.Namespace) -> int:
    """Measure, print and write; a model that cannot be measured costs no other its row."""
    found: list[ModelOperators] = []
    with ExitStack() as stack:
        try:
            targets = _targets(arguments)
            measure, machine = stack.enter_context(_place(arguments))
        except (ArtifactError, DeviceError) as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
        for target in targets:
            try:
                found.append(measure(target))
            except (ArtifactError, RuntimeUnavailableError, DeviceError) as error:
                print(f"error: {error}", file=sys.stderr)
                continue
            profile = found[-1].profile
            table = each_table(profile) if arguments.each else kinds_table(profile)
            above, below = captions(target.name, profile)
            print_table(table.rich(above, "; ".join(filter(None, [target.details.remark, below]))))
    if arguments.json is not None and found:
        write_text(arguments.json, to_json(found, machine))
    return 0 if found and len(found) == len(targets) else 1


@contextmanager
def _place(arguments: argparse.Namespace) -> Iterator[tuple[Callable, dict[str, Any] | None]]:
    """Give what measures a model, here or on a phone, and what the file says of that."""

    def here(target: Artifact) -> ModelOperators:
        with shaped_copies([target], arguments.input_shape) as (copy,):
            profile = profile_operators(copy, arguments.rounds or ROUNDS)
            return ModelOperators(target.describe(copy.details), profile)

    chosen = {arguments.device_tool, arguments.device_libraries, arguments.device_delegate}
    if arguments.device is None and chosen != {None, "cpu"}:
        raise ResultsError("--device-tool, -delegate and -libraries go with --device SERIAL")
    if arguments.device is not None and (arguments.input_shape or arguments.signature):
        raise ResultsError("--input-shape and --signature do not go with --device")
    if arguments.device is None:
        yield here, None
        return
    from bench.android.operators import on_phone

    with on_phone(
        arguments.device, arguments.device_tool, rounds=arguments.rounds or DEVICE_ROUNDS,
        delegate=arguments.device_delegate, libraries=arguments.device_libraries,
    ) as (profile, machine):  # fmt: skip
        yield (lambda target: ModelOperators(target.describe(), profile(target))), machine


def _targets(arguments: argparse.Namespace) -> list[Artifact]:
    """Return what was asked for; of what was not, only files that exist."""
    names = arguments.architecture or ([] if arguments.model else list(zoo.ARCHITECTURES))
    ours = [
        artifact(name, precision, arguments.artifacts)
        for name in dict.fromkeys(names)
        for precision in PRECISIONS
        if precision in (arguments.precision or PRECISIONS)
    ]
    if not arguments.architecture or arguments.artifacts != DIRECTORY:
        ours = [each for each in ours if each.path.exists()]
    taken = [each.name for each in ours]
    return ours + user_files(map(str, arguments.model), taken, arguments.signature)


@dataclass(frozen=True)
class OperatorRow:
    """One row: an operator, a kind of them, or what closes the table.

    `runs_in` is a delegate or "LiteRT"; it is empty, and `count` None, for rows that are no
    operators. Times and costs are of one inference, the share is of the call.
    """

    name: str
    runs_in: str
    count: int | None
    microseconds: float
    share: float
    multiply_accumulates: int | None

    @property
    def least_gflops(self) -> float | None:
        """1e9 operations a second, at least: the profiler drops up to 1 us of each operator.

        Two operations for each multiply-accumulate.
        """
        if not self.multiply_accumulates or self.count is None:
            return None
        return 2 * self.multiply_accumulates / (self.microseconds + self.count) / 1e3


def kind_rows(profile: OperatorProfile) -> list[OperatorRow]:
    """Return a row for each kind of operator, the one that takes most time first."""
    kinds: dict[tuple[str, bool], list[OperatorTime]] = {}
    for each in profile.operators:
        kinds.setdefault((each.kind, each.is_delegated), []).append(each)
    rows = [_row(profile, name, found) for (name, _), found in kinds.items()]
    return sorted(rows, key=lambda row: -row.microseconds)


def closing_rows(profile: OperatorProfile) -> list[OperatorRow]:
    """Return the sum of the operators, what is outside of them, and the call: they add up."""
    whole = profile.invoke_us
    return [
        replace(_row(profile, SUM, profile.operators), runs_in=""),
        OperatorRow(OUTSIDE, "", None, profile.outside_us, profile.outside_us / whole, None),
        OperatorRow(WHOLE, "", None, whole, 1.0, None),
    ]


def _row(profile: OperatorProfile, name: str, operators: Sequence[OperatorTime]) -> OperatorRow:
    microseconds = sum(each.microseconds for each in operators)
    costs = [each.multiply_accumulates for each in operators]
    return OperatorRow(
        name, profile.delegated_to if operators[0].is_delegated else "LiteRT", len(operators),
        microseconds, microseconds / profile.invoke_us,
        None if None in costs else sum(each or 0 for each in costs),
    )  # fmt: skip


def kinds_table(profile: OperatorProfile) -> Table:
    """Return a row for each kind of operator, then those that make up the bare call."""
    rows = [*kind_rows(profile), *closing_rows(profile)]
    return Table(HEADS, [_cells(row) for row in rows], FORMATS)


def each_table(profile: OperatorProfile) -> Table:
    """Return a row for each operator as it runs, then those that make up the bare call."""
    rows = [
        [number, each.node, *_cells(_row(profile, each.name, [each]))]
        for number, each in enumerate(profile.operators)
    ]
    rows += [[None, None, *_cells(row)] for row in closing_rows(profile)]
    return Table(EACH_HEADS, rows, EACH_FORMATS)


def captions(model: str, profile: OperatorProfile) -> tuple[str, str]:
    """Return what stands above such a table, and below it."""
    return (
        f"{model}, {profile.runtime}, 1 thread: time by operator",
        f"means over the middle half of {profile.rounds} rounds; of what is outside, up to "
        f"{len(profile.operators)} us are fractions that the profiler drops, 1 of each; "
        f"a call with the profiler running takes {profile.profiled_us:.1f} us",
    )


def _cells(row: OperatorRow) -> list[Any]:
    return [
        row.name if row.name != WHOLE else f"{WHOLE}, the whole", row.runs_in or None, row.count,
        row.microseconds, row.share, row.multiply_accumulates or None, row.least_gflops,
    ]  # fmt: skip


@dataclass(frozen=True)
class ModelOperators:
    """A model, by what results carry of it, and its operators."""

    info: dict[str, Any]
    profile: OperatorProfile


@dataclass(frozen=True)
class OperatorRecord:
    """A file of models that were measured together; `machine` is pytest-benchmark's."""

    name: str
    content: bytes = field(repr=False)
    time: datetime
    machine: dict[str, Any] = field(repr=False)
    models: tuple[ModelOperators, ...]


def to_json(models: Sequence[ModelOperators], machine: dict[str, Any] | None = None) -> str:
    """Return what the file holds; the machine is this one, unless it is given."""
    data = {
        "format": FORMAT,
        "datetime": datetime.now(UTC).isoformat(),
        "machine_info": machine or machine_info(),
        "operators": [{**each.info, **asdict(each.profile)} for each in models],
    }
    return json.dumps(data, indent=1, allow_nan=False) + "\n"


def read_record(path: Path) -> OperatorRecord:
    """Read a file.

    Raises:
        ResultsError: it is missing, or no such record.
    """
    with reading(path, "python -m bench operators --json"):
        content = path.read_bytes()
        data = json.loads(content)
        if data["format"] != FORMAT:
            raise ValueError(f"its format is {data['format']!r}, not {FORMAT}")
        record = OperatorRecord(
            path.name, content, datetime.fromisoformat(data["datetime"]),
            dict(data["machine_info"]), tuple(_model(dict(each)) for each in data["operators"]),
        )  # fmt: skip
        if not record.models:
            raise ValueError("it holds no model")
    return record


def _model(data: dict[str, Any]) -> ModelOperators:
    profile = OperatorProfile(
        str(data.pop("runtime")), int(data.pop("rounds")), _time(data.pop("invoke_us")),
        _time(data.pop("profiled_us")),
        tuple(OperatorTime(**each) for each in data.pop("operators")),
        str(data.pop("delegated_to", "XNNPACK")),
    )  # fmt: skip
    for each in profile.operators:
        _time(each.microseconds)
        if not isinstance(each.name, str) or not isinstance(each.multiply_accumulates, int | None):
            raise ValueError(f"{each.name!r} is no operator")
    if not isinstance(data["model"], str) or not profile.operators or not profile.invoke_us:
        raise ValueError("a model without a name, operators or a time")
    return ModelOperators(data, profile)


def _time(value: Any) -> float:
    if not isinstance(value, (int, float)) or not 0 <= value < math.inf:
        raise ValueError(f"{value!r} is no time")
    return float(value)
