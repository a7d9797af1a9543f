"""What the search varies, and what a shape costs before it is built."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optuna import Trial

    # Imported late elsewhere in this module: it imports Keras.
    from models.architectures.patch_separable import Shape

CHANNELS = 3
NORM = 4
"""Parameters of a batch normalisation for each of its channels."""


@dataclass(frozen=True)
class Candidate:
    """A point of the search space.

    Attributes:
        side: height and width of the picture, in pixels.
        shape: of the network.
    """

    side: int
    shape: Shape

    def __str__(self) -> str:
        """Say it in one line, such as "64 px, patch 5, 12-24s2-32-48s2k5": s stride, k kernel."""
        blocks = [
            f"{block.filters}"
            + (f"s{block.strides}" if block.strides != 1 else "")
            + (f"k{block.kernel_size}" if block.kernel_size != 3 else "")
            for block in self.shape.blocks
        ]
        widths = "-".join([str(self.shape.stem_filters), *blocks])
        return f"{self.side} px, patch {self.shape.patch_side}, {widths}"

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain numbers: what `from_dict` reads."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Candidate:
        """Make one of what `to_dict` returned.

        Raises:
            KeyError, TypeError: it is something else.
        """
        from models.architectures.patch_separable import Block, Shape

        shape = dict(data["shape"])
        blocks = tuple(Block(**block) for block in shape.pop("blocks"))
        return cls(data["side"], Shape(blocks=blocks, **shape))


@dataclass(frozen=True)
class Space:
    """The values that each quantity may have.

    Widths are multiples of 4, for the kernels of XNNPACK work on as many channels at a time and
    would leave lanes empty otherwise. The widest and deepest network has several times
    the parameters of the budget, but two fifths of random proposals are within it.

    Attributes:
        sides: of the picture, in pixels.
        patch_sides: kernel and stride of the stem, in pixels.
        stem_filters: outputs of the stem.
        depths: number of blocks.
        filters: outputs of a block.
        strides: of a block.
        kernel_sizes: of a block's depthwise half.
    """

    sides: tuple[int, ...] = (50, 64, 80, 100)
    patch_sides: range = field(default=range(4, 11))
    stem_filters: range = field(default=range(8, 33, 4))
    depths: range = field(default=range(2, 6))
    filters: range = field(default=range(8, 73, 4))
    strides: range = field(default=range(1, 3))
    kernel_sizes: range = field(default=range(3, 6, 2))

    def suggest(self, trial: Trial) -> Candidate:
        """Ask the study's sampler for a point."""
        from models.architectures.patch_separable import Block, Shape

        def choose(name: str, values: range) -> int:
            return trial.suggest_int(name, values[0], values[-1], step=values.step)

        side = trial.suggest_categorical("side", self.sides)
        patch_side = choose("patch_side", self.patch_sides)
        stem_filters = choose("stem_filters", self.stem_filters)
        blocks = tuple(
            Block(
                choose(f"block{index}_filters", self.filters),
                choose(f"block{index}_strides", self.strides),
                choose(f"block{index}_kernel_size", self.kernel_sizes),
            )
            for index in range(1, choose("depth", self.depths) + 1)
        )
        return Candidate(side, Shape(patch_side, stem_filters, blocks))

    def values_of(self, candidate: Candidate) -> dict[str, int] | None:
        """Return what `suggest` would have to choose for this point; None where it cannot."""
        shape = candidate.shape
        chosen: dict[str, tuple[int, Container[int]]] = {
            "side": (candidate.side, self.sides),
            "patch_side": (shape.patch_side, self.patch_sides),
            "stem_filters": (shape.stem_filters, self.stem_filters),
            "depth": (len(shape.blocks), self.depths),
        }
        for index, block in enumerate(shape.blocks, start=1):
            chosen[f"block{index}_filters"] = (block.filters, self.filters)
            chosen[f"block{index}_strides"] = (block.strides, self.strides)
            chosen[f"block{index}_kernel_size"] = (block.kernel_size, self.kernel_sizes)
        if any(value not in values for value, values in chosen.values()):
            return None
        return {name: value for name, (value, _) in chosen.items()}

    def smallest(self) -> Candidate:
        """Return the point with the fewest parameters."""
        from models.architectures.patch_separable import Block, Shape

        block = Block(self.filters[0], self.strides[-1], self.kernel_sizes[0])
        shape = Shape(self.patch_sides[0], self.stem_filters[0], (block,) * self.depths[0])
        return Candidate(min(self.sides), shape)

    def to_dict(self) -> dict[str, list[int]]:
        """Return all values, for comparing and for keeping."""
        return {name: list(values) for name, values in vars(self).items()}


def parameters(shape: Shape, classes: int) -> int:
    """Return the number of Keras parameters, trainable or not, without building the network.

    Args:
        shape: of the network; the picture's side makes no difference.
        classes: number of output probabilities.
    """
    channels = shape.stem_filters
    count = shape.patch_side**2 * CHANNELS * channels + NORM * channels
    for block in shape.blocks:
        count += block.kernel_size**2 * channels + NORM * channels
        count += channels * block.filters + NORM * block.filters
        channels = block.filters
    return count + (channels + 1) * classes
