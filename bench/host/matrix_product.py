"""A large matrix product as a `.tflite` file, so that a runtime's own kernels are the yardstick.

NumPy's is none: its BLAS may use narrower vector instructions than the runtimes do, and has no
8-bit integers.
"""

from __future__ import annotations

import numpy as np

SIZE = 512
"""Rows and columns of both matrices: so many that a call's own cost does not count."""

OPERATIONS = 2 * SIZE**3
DTYPES = ("float32", "int8")
SCALE = 1 / 128
"""Of 8-bit elements, which then stand for -1..1; of products it is multiplied by the size."""


def matrix(dtype: str, seed: int) -> np.ndarray:
    """Return a matrix of -1..1, or of 8-bit elements that stand for it: shape (512, 512)."""
    values = np.random.default_rng(seed).uniform(-0.99, 0.99, (SIZE, SIZE))
    return np.rint(values / SCALE).astype(np.int8) if dtype == "int8" else values.astype(dtype)


def model(dtype: str) -> bytes:
    """Return a model that multiplies its input with the transpose of `matrix(dtype, seed=0)`.

    Args:
        dtype: one of `DTYPES`: of input, weights and output.
    """
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    kind = {"float32": schema.TensorType.FLOAT32, "int8": schema.TensorType.INT8}[dtype]
    weights = schema.BufferT()
    weights.data = np.frombuffer(matrix(dtype, seed=0).tobytes(), np.uint8)
    tensors = []
    for name, buffer, scale in (
        ("left", 0, SCALE),
        ("right", 1, SCALE),
        ("product", 0, SCALE * SIZE**0.5 / 2),
    ):
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.type, tensor.buffer = name, [SIZE, SIZE], kind, buffer
        if dtype == "int8":
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale, tensor.quantization.zeroPoint = [scale], [0]
        tensors.append(tensor)
    node, graph, file = schema.OperatorT(), schema.SubGraphT(), schema.ModelT()
    node.opcodeIndex, node.inputs, node.outputs = 0, [0, 1, -1], [2]
    node.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
    node.builtinOptions = schema.FullyConnectedOptionsT()
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.FULLY_CONNECTED
    code.version = 4
    graph.tensors, graph.operators, graph.inputs, graph.outputs = tensors, [node], [0], [2]
    file.version, file.operatorCodes, file.subgraphs = 3, [code], [graph]
    file.buffers = [schema.BufferT(), weights]
    builder = flatbuffers.Builder()
    builder.Finish(file.Pack(builder), b"TFL3")
    return bytes(builder.Output())
