"""One frozen description of a preparation: printed, stored as plain values, repeated."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from numbers import Real
from typing import TYPE_CHECKING, Any, Literal, get_args

from models.preprocessing.colour import WHITE
from models.preprocessing.limits import PreprocessingError
from models.preprocessing.normalisation import Normalisation

if TYPE_CHECKING:
    from models.preprocessing.tensors import TensorSpec

Fit = Literal["squash", "letterbox", "crop"]
Resampling = Literal["antialiased", "android"]
ColourProfile = Literal["srgb", "ignored"]
ChannelOrder = Literal["RGB", "BGR"]

_CHOICES = {
    "fit": Fit,
    "resampling": Resampling,
    "colour_profile": ColourProfile,
    "channel_order": ChannelOrder,
}


@dataclass(frozen=True)
class Preparation:
    """How a picture becomes a tensor. The model's input tells size, channels, layout and dtype.

    Attributes:
        region: the part of the upright picture that is used: left, top, right and bottom as
            shares of its width and height, 0..1; None: all of it.
        fit: "squash" scales each side on its own; "letterbox" keeps proportions, centred on
            `ground`; "crop" keeps proportions and cuts the centre out.
        crop_from: length in pixels to which "crop" brings the shorter side before it cuts, such
            as 256 for a model of 224; None: as small as covers the input.
        resampling: "antialiased" is bilinear, its triangle as wide as a target pixel, as Pillow
            and TensorFlow with `antialias=True` do; "android" is bilinear between the four
            nearest pixels whatever the scale, as Android's `createScaledBitmap(filter=true)` and
            OpenCV's INTER_LINEAR do, to one grey level.
        ground: RGB, 0..255: what shows beside a letterboxed picture and through a transparent one.
        colour_profile: "srgb" converts a picture with an embedded profile; "ignored" does not.
        channel_order: of the tensor.
        white: what a floating-point array calls white: 255, or 1.
        normalisation: from grey levels to real values; None: what the input tells, see
            `Normalisation.of_input`.

    Raises:
        PreprocessingError: a value is unknown or cannot be.
    """

    region: tuple[float, float, float, float] | None = None
    fit: Fit = "squash"
    crop_from: int | None = None
    resampling: Resampling = "antialiased"
    ground: tuple[int, int, int] = WHITE
    colour_profile: ColourProfile = "srgb"
    channel_order: ChannelOrder = "RGB"
    white: float = 255.0
    normalisation: Normalisation | None = None

    def __post_init__(self) -> None:
        for name, known in _CHOICES.items():
            if getattr(self, name) not in get_args(known):
                choices = " or ".join(get_args(known))
                raise PreprocessingError(
                    f"unknown {name} {getattr(self, name)!r}; it must be {choices}"
                )
        if self.region is not None:
            object.__setattr__(self, "region", _region(self.region))
        object.__setattr__(self, "ground", _ground(self.ground))
        if self.crop_from is not None:
            is_size = isinstance(self.crop_from, Real) and self.crop_from >= 1
            if self.fit != "crop" or not is_size or self.crop_from != int(self.crop_from):
                raise PreprocessingError(
                    f"crop_from {self.crop_from!r} goes with fit 'crop' and must be a whole number "
                    "of pixels from 1"
                )
            object.__setattr__(self, "crop_from", int(self.crop_from))
        if not (isinstance(self.white, Real) and 0 < self.white < math.inf):
            raise PreprocessingError(f"white {self.white!r} must be a number above 0: 255 or 1")
        object.__setattr__(self, "white", float(self.white))

    def for_input(self, spec: TensorSpec) -> Preparation:
        """Return the same with a normalisation: its own, else what the input tells."""
        if self.normalisation is not None:
            return self
        return replace(self, normalisation=Normalisation.of_input(spec))

    def changed(self, told: Mapping[str, Any]) -> Preparation:
        """Return the same with some fields as `parse` returns them, and with what goes with them.

        Raises:
            PreprocessingError: they do not go together.
        """
        if told.get("crop_from"):
            told = {"fit": "crop", **told}
        elif told.get("fit", "crop") != "crop":
            told = {"crop_from": None, **told}
        return replace(self, **told)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, as JSON keeps them."""
        return json.loads(json.dumps(asdict(self)))

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Preparation:
        """Return the description whose `as_dict` was stored; what is missing has its default.

        Raises:
            PreprocessingError: a name or a value is unknown.
        """
        unknown = set(plain) - {field.name for field in fields(cls)}
        if unknown:
            raise PreprocessingError(f"a preparation has no {', '.join(sorted(unknown))}")
        values = dict(plain)
        if values.get("normalisation") is not None:
            try:
                values["normalisation"] = Normalisation(**values["normalisation"])
            except TypeError as error:
                raise PreprocessingError(f"a normalisation cannot be read ({error})") from None
        return cls(**values)

    def __str__(self) -> str:
        """Name what differs from the plainest preparation, then the normalisation."""
        parts = [
            f"{field.name}={getattr(self, field.name)!r}"
            for field in fields(self)
            if field.name in ("fit", "resampling")
            or (field.name != "normalisation" and getattr(self, field.name) != field.default)
        ]
        return ", ".join([*parts, str(self.normalisation or "normalised as the input tells")])


NAMES = tuple(field.name for field in fields(Preparation) if field.name != "normalisation")
"""What `parse` knows; the normalisation has options of its own."""


def parse(text: str) -> dict[str, Any]:
    """Return the fields that a text names, such as "fit=crop,crop_from=256,ground=0,0,0".

    Raises:
        PreprocessingError: a name or a value is unknown.
    """
    told: dict[str, Any] = {}
    for pair in re.split(r",(?=\s*\w+\s*=)", text):
        name, _, value = (part.strip() for part in pair.partition("="))
        if name not in NAMES:
            raise PreprocessingError(f"{pair!r} is none of {', '.join(NAMES)}, with = and a value")
        numbers = [_number(part) for part in value.split(",")]
        told[name] = value if name in _CHOICES else numbers if len(numbers) > 1 else numbers[0]
    checked = Preparation().changed(told)
    return {name: getattr(checked, name) for name in told}


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _region(region: Any) -> tuple[float, ...]:
    try:
        left, top, right, bottom = (float(share) for share in region)
    except (TypeError, ValueError):
        left = top = right = bottom = math.nan
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise PreprocessingError(
            f"region {region!r} must be left, top, right and bottom as shares of the picture, 0..1"
        )
    return left, top, right, bottom


def _ground(ground: Any) -> tuple[int, ...]:
    try:
        levels = tuple(int(level) for level in ground)
    except (TypeError, ValueError):
        levels = ()
    if len(levels) != 3 or not all(0 <= level <= 255 for level in levels):
        raise PreprocessingError(f"ground {ground!r} must be three levels, RGB, 0..255")
    return levels
