"""What may change in a task's pictures without changing what they show."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

MILD_SHIFT, MILD_DEGREES, MILD_ZOOM, MILD_LIGHT = 0.04, 5.0, 0.05, 0.05


@dataclass(frozen=True)
class Changes:
    """How far each picture that is learnt from may be changed, drawn anew each time it is seen.

    Attributes:
        shift: right, left, up and down, as a share of the side.
        degrees: turned by, either way; 180 is any angle.
        zoom: smaller or larger, as a share of the size.
        is_mirrored: whether left and right may change places.
        mild_light: gain and contrast of every picture, as a share of 1.
        light: gain of a share of the pictures (`lit`), as a share of 1.
        lit: of the pictures, 0..1.
        ground: share of the pictures that are put on a ground of a chance colour, 0..1. What is as
            the border of the picture is its ground; without an even border nothing changes.
        noise: standard deviation at most, in grey levels.
        blur: standard deviation at most, in pixels of a side of 100.
        spoilt: share of the pictures with noise, and share of those with blur, 0..1.
        cut: share of the pictures of which a part is another's, 0..1.
    """

    shift: float = 0.0
    degrees: float = 0.0
    zoom: float = 0.0
    is_mirrored: bool = False
    mild_light: float = 0.0
    light: float = 0.0
    lit: float = 0.0
    ground: float = 0.0
    noise: float = 0.0
    blur: float = 0.0
    spoilt: float = 0.0
    cut: float = 0.0

    def at(self, strength: float, cut: float) -> Changes:
        """Return the same with light, ground, noise and blur at a part of their strength.

        Args:
            strength: 0 for none of these four, 1 for all that may be.
            cut: share of the pictures that are cut, where pictures may be cut.
        """
        parts = {name: getattr(self, name) * strength for name in _SCALED}
        return replace(self, **parts, cut=self.cut * cut)


_SCALED = ("light", "lit", "ground", "noise", "blur", "spoilt")

NAMES: dict[str, Changes] = {
    "none": Changes(),
    "mild": Changes(MILD_SHIFT, MILD_DEGREES, MILD_ZOOM, mild_light=MILD_LIGHT),
    "mirrored": Changes(is_mirrored=True),
    "turned": Changes(degrees=180.0),
    "light": Changes(light=0.3, lit=0.7),
    "ground": Changes(ground=0.7),
    "camera": Changes(noise=12.0, blur=1.8, spoilt=0.5),
    "cut": Changes(cut=1.0),
}
"""What `--changes` calls them. `camera` is noise and blur, as poor cameras make them."""


def named(*names: str) -> Changes:
    """Return all of these together: of each quantity the largest.

    Raises:
        ValueError: a name is not known; the message lists those that are.
    """
    for name in names:
        if name not in NAMES:
            raise ValueError(f"unknown change {name!r}; known are: {', '.join(NAMES)}")
    found = [NAMES[name] for name in names or ("none",)]
    return Changes(
        **{
            field.name: max(getattr(each, field.name) for each in found)
            for field in fields(Changes)
        }
    )


FRUIT = replace(
    named("mild", "mirrored", "turned", "light", "ground", "camera", "cut"), shift=0.08, zoom=0.1
)
"""A fruit on a table: it lies as it fell, and its outline turns about any axis."""
