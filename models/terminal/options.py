"""Options that several commands share, and some of them with pytest: types, and what is chosen."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from models import zoo
from models.data.photographs import DatasetError
from models.data.tasks import FOLDER_SIDE, Task, folder_task, fruits360_task
from models.files.artifacts import DIRECTORY, PRECISIONS, ArtifactError
from models.preprocessing import Normalisation, Preparation, PreprocessingError
from models.preprocessing.preparation import parse
from models.running.runtimes import RUNTIMES

Add = Callable[..., object]
"""An argument parser's `add_argument`, or what pytest's option groups have for it."""


def _type(kind: str, read: Callable[[str], Any], accepts: Callable[[Any], bool]) -> Any:
    """Return the type of an argument: what `read` makes of it, if it can and that is accepted."""

    def checked(text: str) -> Any:
        try:
            value = read(text)
        except ValueError:
            value = None
        if value is None or not accepts(value):
            raise argparse.ArgumentTypeError(f"{text!r} is not {kind}")
        return value

    return checked


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(text)
    return int(text)


positive = _type("a whole number above 0", _whole, lambda number: number > 0)
non_negative = _type("a whole number of 0 or more", _whole, lambda number: True)
positive_number = _type("a number above 0", float, lambda number: 0 < number < math.inf)
share = _type("a share such as 0.9", float, lambda number: 0 <= number <= 1)
seed = _type("a whole number from 1 to 4294967295", _whole, lambda number: 0 < number < 2**32)
channel_numbers = _type(
    "one number, or three as in 104,117,123",
    lambda text: tuple(map(float, text.split(","))),
    lambda numbers: len(numbers) in (1, 3),
)
shape = _type(
    "a shape such as 1x224x224x3", lambda text: tuple(map(_whole, text.lower().split("x"))), all
)


def architecture_name(text: str) -> str:
    """Return the name of a known architecture."""
    try:
        return zoo.find(text).name
    except KeyError as error:
        raise argparse.ArgumentTypeError(error.args[0]) from None


def add_names(parser: argparse.ArgumentParser) -> None:
    """Add the positional NAME ..., by default every architecture."""
    parser.add_argument(
        "names",
        nargs="*",
        type=architecture_name,
        default=list(zoo.ARCHITECTURES),
        metavar="NAME",
        help=f"architecture; default: all of {', '.join(zoo.ARCHITECTURES)}",
    )


def chosen_names(arguments: argparse.Namespace, file: Callable[[str], Path]) -> list[str]:
    """Return the networks that `add_names` was told, by default those that there are.

    Args:
        file: what must be there of a network, by its name.

    Raises:
        ArtifactError: the file of one is missing, or of all.
    """
    is_told = arguments.names != list(zoo.ARCHITECTURES) or arguments.artifacts == DIRECTORY
    found = [name for name in arguments.names if is_told or file(name).is_file()]
    for name in found or arguments.names[:1]:
        if not file(name).is_file():
            raise ArtifactError(
                f"{file(name)}: no such file; make it with `python -m models train {name}`, then "
                "`convert`, with the same --data and --artifacts"
            )
    return found


def output_file(*suffixes: str) -> Callable[[str], Path]:
    """Return the type of an argument that names a file to write, before there is work to lose.

    Args:
        suffixes: that it may have; none for any.
    """

    def checked(text: str) -> Path:
        path = Path(text).expanduser()
        if not path.parent.is_dir():
            raise argparse.ArgumentTypeError(f"{text}: there is no folder {path.parent}")
        if path.is_dir() or (suffixes and path.suffix.lower() not in suffixes):
            kinds = " or ".join(suffixes) or "file"
            raise argparse.ArgumentTypeError(f"{text}: name a {kinds} to write")
        return path

    return checked


def add_task(parser: argparse.ArgumentParser) -> None:
    """Add --fruits360 DIR, or --data DIR with --side PIXELS: the pictures, see `chosen_task`."""
    pictures = parser.add_mutually_exclusive_group()
    pictures.add_argument(
        "--fruits360", metavar="DIR", help="the photographs; default: FRUITS360_DIR, else the cache"
    )
    pictures.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="pictures of your own in their place: a folder for each class, or train and test with "
        "these in them; goes with --artifacts",
    )
    parser.add_argument(
        "--side",
        type=positive,
        default=FOLDER_SIDE,
        metavar="PIXELS",
        help="height and width of the input of networks for --data; default: %(default)s",
    )


def chosen_task(arguments: argparse.Namespace, side: int | None = None) -> Task:
    """Return the task that `add_task` was told; `side` goes before --side.

    Raises:
        DatasetError: there are no such pictures, or they would replace the project's own files.
    """
    if arguments.data is None:
        return fruits360_task(arguments.fruits360)
    if arguments.artifacts.resolve() == DIRECTORY.resolve():
        raise DatasetError("--data needs --artifacts DIR: the folder for what is made of it")
    return folder_task(arguments.data.expanduser(), side or arguments.side)


def add_precision(parser: argparse.ArgumentParser, default: str) -> None:
    """Add --precision NAME, repeatable; `default` says what applies without it."""
    parser.add_argument(
        "--precision", action="append", choices=PRECISIONS, help=f"repeatable; default: {default}"
    )


def add_runtime(parser: argparse.ArgumentParser, default: str) -> None:
    """Add --runtime NAME, repeatable; `default` says what applies without it."""
    parser.add_argument(
        "--runtime",
        action="append",
        choices=[runtime.name for runtime in RUNTIMES.values() if runtime.is_available],
        help=f"repeatable; default: {default}",
    )


def _told_fields(text: str) -> dict[str, Any]:
    try:
        return parse(text)
    except PreprocessingError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def add_preparation(add: Add) -> None:
    """Add --mean, --std, --prepare and --fit: how pictures become a model's input.

    `told_preparation` makes one of what they tell; --fit and --prepare share their destination.
    """
    add(
        "--mean",
        type=channel_numbers,
        metavar="NUMBERS",
        help="subtracted from grey levels 0..255, in the tensor's order of channels; default: as "
        "the file's card, metadata or quantisation tells, else 0",
    )
    add("--std", type=channel_numbers, metavar="NUMBERS", help="divides the difference; default: 1")
    add(
        "--prepare",
        action="append",
        type=_told_fields,
        metavar="KEY=VALUE[,...]",
        help="fit=squash, letterbox or crop; crop_from=PIXELS of the shorter side before the crop; "
        "resampling=antialiased or android; colour_profile=srgb or ignored; channel_order=RGB or "
        "BGR; ground=R,G,B beside and behind a picture; region=LEFT,TOP,RIGHT,BOTTOM as shares of "
        "it; white=1 for arrays of 0..1; repeatable; default: as the card tells",
    )
    add(
        "--fit",
        dest="prepare",
        action="append",
        type=lambda fit: _told_fields(f"fit={fit}"),
        metavar="FIT",
        help="short for --prepare fit=FIT",
    )


def told_preparation(
    mean: tuple[float, ...] | None,
    std: tuple[float, ...] | None,
    prepare: Sequence[Mapping[str, Any]] | None,
) -> dict[str, Any]:
    """Return the fields of a `Preparation` that the options of `add_preparation` tell.

    Raises:
        PreprocessingError: they do not go together.
    """
    told = {name: value for each in prepare or () for name, value in each.items()}
    if mean or std:
        told["normalisation"] = Normalisation(mean or (0.0,), std or (1.0,))
    Preparation().changed(told)
    return told


def add_input_shape(add: Add) -> None:
    """Add --input-shape 1xHxWxC, repeatable: shapes of the first inputs, in place of the file's."""
    add(
        "--input-shape",
        action="append",
        type=shape,
        default=[],
        metavar="1xHxWxC",
        help="the shape of a --model's input, where the file leaves sizes open or another batch is "
        "wanted; repeated for its second input and so on",
    )


def add_files(parser: argparse.ArgumentParser, precisions: str, model: str) -> None:
    """Add what chooses among the project's files, --model PATH, and how that is run."""
    add_precision(parser, precisions)
    add_artifacts(parser)
    parser.add_argument(
        "--model", type=Path, action="append", default=[], metavar="PATH",
        help=f"{model}, a folder of them or a pattern; repeatable",
    )  # fmt: skip
    add_signature(parser.add_argument)
    add_input_shape(parser.add_argument)


def add_signature(add: Add) -> None:
    """Add --signature NAME: which graph of a file is run."""
    add(
        "--signature",
        metavar="NAME",
        help="which of a --model's graphs, where it has several; default: serving_default, else "
        "the first",
    )


def add_own_pictures(add: Add) -> None:
    """Add --images, --labels, --min-accuracy and how pictures are prepared."""
    add(
        "--images",
        type=Path,
        metavar="DIR",
        help="a folder for each class, or a CSV file with a path and a label a line",
    )
    add(
        "--labels",
        type=Path,
        metavar="FILE",
        help="the model's classes, one a line; default: its metadata, card, or labels.txt beside "
        "it, else the classes of the pictures in alphabetical order",
    )
    add(
        "--min-accuracy",
        type=share,
        default=0.0,
        metavar="SHARE",
        help="fail below this share of right answers, such as 0.9",
    )
    add_preparation(add)


def existing_folder(text: str) -> Path:
    """Read an option that names a folder."""
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"{text}: no such folder")
    return Path(text)


def add_artifacts(
    parser: argparse.ArgumentParser, folder: Callable[[str], Path] = existing_folder
) -> None:
    """Add --artifacts DIR: where model files, cards and records are read and written."""
    parser.add_argument(
        "--artifacts",
        type=folder,
        default=DIRECTORY,
        metavar="DIR",
        help="folder of the model files and their cards; default: the project's own",
    )
