"""What this machine reaches at its best: the yardsticks that models are held against."""

from __future__ import annotations

import numpy as np
from threadpoolctl import threadpool_limits

SIZE = 1_024
"""Rows and columns of the matrices: large enough that arithmetic is all that counts."""

COPIED_BYTES = 64 * 2**20
"""More than any cache holds."""


def test_matrix_product(measure, threads):
    """Arithmetic: a product of two large float32 matrices, with NumPy's BLAS.

    It gets as many threads as the models do.
    """
    left, right = np.random.default_rng(0).random((2, SIZE, SIZE), dtype=np.float32)
    product = np.empty_like(left)
    info = {"operations": 2 * SIZE**3, "dtype": "float32", "threads": threads}
    with threadpool_limits(threads, user_api="blas"):
        measure(np.matmul, left, right, product, info=info)
    np.testing.assert_allclose(product[0], left[0] @ right, rtol=1e-4)


def test_memory_copy(measure):
    """Memory: a copy of a large array. Its bytes are read once and written once."""
    source = np.ones(COPIED_BYTES // 4, np.float32)
    target = np.empty_like(source)
    measure(np.copyto, target, source, info={"bytes_moved": 2 * COPIED_BYTES, "threads": 1})
    assert (target == source).all()
