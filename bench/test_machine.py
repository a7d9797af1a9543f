"""What this machine reaches at its best: the yardsticks that models are held against."""

from __future__ import annotations

import numpy as np
import pytest

from bench import host

COPIED_BYTES = 64 * 2**20
"""More than any cache holds."""


@pytest.mark.parametrize("dtype", host.PRODUCT_DTYPES)
def test_matrix_product(runtime, threads, dtype, measure):
    """Arithmetic: a product of two large matrices, with the runtime's own kernels."""
    product = runtime.load(host.product_model(dtype), threads)
    left, right = (host.matrix(dtype, seed) for seed in (1, 0))
    product.set_input(left)
    info = {
        "operations": host.PRODUCT_OPERATIONS,
        "dtype": dtype,
        "threads": threads,
        "runtime": runtime.name,
        "runtime_version": runtime.version,
    }
    measure(product.invoke, info=info)
    found = product.output.dequantise(product.raw_output())[:4]
    scale = host.STEP**2 if dtype == "int8" else 1.0
    expected = scale * (left[:4].astype(np.float64) @ right.T.astype(np.float64))
    if dtype == "int8":
        limit = 127 * product.output.scale
        expected = expected.clip(-limit - product.output.scale, limit)
    np.testing.assert_allclose(found, expected, atol=2e-3 + (product.output.scale or 0))


def test_memory_copy(measure):
    """Memory: a copy of a large array. Its bytes are read once and written once."""
    source = np.ones(COPIED_BYTES // 4, np.float32)
    target = np.empty_like(source)
    measure(np.copyto, target, source, info={"bytes_moved": 2 * COPIED_BYTES, "threads": 1})
    assert (target == source).all()
