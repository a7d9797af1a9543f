"""The architectures: a builder a file. It calls nothing of ours."""

DESIGNED_SIDE = 100


def fitting_strides(strides: int, side: int) -> int:
    """Return a first layer's strides, fewer for a side of fewer pixels than it was designed for.

    Else so few places are left of a small picture that where things are is lost.
    """
    return min(strides, -(-strides * side // DESIGNED_SIDE))
