"""What TFLite's schema leaves to its users: operator versions, and the runtime that has them.

From LiteRT's ``tools/versioning`` (op_version.cc, runtime_version.cc). Add an operator: its row in
``VERSIONS``, and a rule in ``_special`` if more than the element type decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edgeprune.errors import UnsupportedError
from edgeprune.ir import DType, TensorType, TfliteOp, Version

FLOAT, INT8, INT16, INT32 = DType.FLOAT32, DType.INT8, DType.INT16, DType.INT32

VERSIONS: dict[str, dict[DType, Version]] = {
    "ADD": {FLOAT: (1, "1.5.0"), INT8: (2, "1.14.0"), INT16: (3, "2.4.0")},
    "AVERAGE_POOL_2D": {FLOAT: (1, "1.5.0"), INT8: (2, "1.14.0"), INT16: (3, "2.3.0")},
    "BATCH_MATMUL": {FLOAT: (1, "2.3.0"), INT8: (2, "2.3.0"), INT16: (3, "2.8.0")},
    "CONCATENATION": {FLOAT: (1, "1.5.0"), INT8: (2, "1.14.0"), INT16: (3, "2.3.0"),
                      INT32: (1, "1.5.0")},
    "CONV_2D": {FLOAT: (1, "1.5.0"), INT8: (3, "1.14.0"), INT16: (4, "2.3.0")},
    "DEPTHWISE_CONV_2D": {FLOAT: (1, "1.5.0"), INT8: (3, "1.14.0"), INT16: (5, "2.3.0")},
    "DEQUANTIZE": {INT8: (2, "1.14.0"), DType.UINT8: (1, "1.13.1"), INT16: (3, "1.15.0")},
    "DIV": {FLOAT: (1, "1.6.0")},
    "ELU": {FLOAT: (1, "1.14.0"), INT8: (1, "1.14.0")},
    "FULLY_CONNECTED": {FLOAT: (1, "1.5.0"), INT8: (4, "1.14.0"), INT16: (7, "2.3.0")},
    "GATHER": {FLOAT: (1, "1.6.0"), INT8: (2, "1.14.0"), INT16: (4, "2.4.0"), INT32: (1, "1.6.0")},
    "GELU": {FLOAT: (1, "2.9.0"), INT8: (2, "2.9.0"), INT16: (2, "2.21.0")},
    "HARD_SWISH": {FLOAT: (1, "1.15.0"), INT8: (1, "1.15.0")},
    "LEAKY_RELU": {FLOAT: (1, "1.13.1"), INT8: (2, "2.3.0"), INT16: (2, "2.3.0")},
    "LOGISTIC": {FLOAT: (1, "1.14.0"), INT8: (2, "1.14.0"), INT16: (3, "2.3.0")},
    "LOG_SOFTMAX": {FLOAT: (1, "1.14.0"), INT8: (2, "1.14.0")},
    "MAX_POOL_2D": {FLOAT: (1, "1.5.0"), INT8: (2, "1.14.0"), INT16: (3, "2.3.0")},
    "MAXIMUM": {FLOAT: (1, "1.14.0"), INT8: (2, "1.14.0"), INT16: (4, "2.3.0")},
    "MEAN": {FLOAT: (1, "1.6.0"), INT8: (2, "1.14.0"), INT16: (3, "2.4.0")},
    "MINIMUM": {FLOAT: (1, "1.14.0"), INT8: (2, "1.14.0"), INT16: (4, "2.3.0")},
    "MUL": {FLOAT: (1, "1.5.0"), INT8: (2, "1.14.0"), INT16: (4, "2.3.0")},
    "PAD": {FLOAT: (1, "1.5.0"), INT8: (2, "1.14.0"), INT16: (3, "2.4.0")},
    "PADV2": {FLOAT: (1, "1.9.0"), INT8: (2, "1.14.0"), INT16: (3, "2.4.0")},
    "PRELU": {FLOAT: (1, "1.8.0"), INT8: (1, "1.8.0")},
    "QUANTIZE": {FLOAT: (1, "1.14.0"), INT8: (2, "1.15.0"), DType.UINT8: (2, "1.15.0"),
                 INT16: (2, "1.15.0")},
    "RELU": {FLOAT: (1, "1.5.0"), INT8: (2, "2.1.0"), INT16: (3, "2.5.0")},
    "RELU6": {FLOAT: (1, "1.5.0"), INT8: (2, "1.14.0"), INT16: (3, "2.5.0")},
    "RELU_0_TO_1": {FLOAT: (1, "2.10.0"), INT8: (1, "2.10.0")},
    "RELU_N1_TO_1": {FLOAT: (1, "1.5.0"), INT8: (1, "1.5.0")},
    "RESHAPE": dict.fromkeys((FLOAT, INT8, INT16, INT32), (1, "1.5.0")),
    "RESIZE_BILINEAR": {FLOAT: (1, "1.7.0"), INT8: (2, "1.14.0"), INT16: (4, "2.5.0")},
    "RESIZE_NEAREST_NEIGHBOR": {FLOAT: (1, "1.13.1"), INT8: (2, "1.14.0"), INT16: (4, "2.4.0")},
    "SOFTMAX": {FLOAT: (1, "1.5.0"), INT8: (2, "1.14.0"), INT16: (3, "2.3.0")},
    "STRIDED_SLICE": {FLOAT: (1, "1.6.0"), INT8: (2, "1.14.0"), INT16: (4, "2.2.0"),
                      INT32: (1, "1.6.0")},
    "SUB": {FLOAT: (1, "1.6.0"), INT8: (2, "1.14.0"), INT16: (5, "2.4.0")},
    "TANH": {FLOAT: (1, "1.14.0"), INT8: (2, "1.14.0"), INT16: (3, "2.3.0")},
    "TRANSPOSE": {FLOAT: (1, "1.6.0"), INT8: (2, "1.14.0"), INT16: (5, "2.4.0"),
                  INT32: (1, "1.6.0")},
    "TRANSPOSE_CONV": {FLOAT: (3, "2.3.0"), INT8: (3, "2.3.0"), INT16: (3, "2.3.0")},
}  # fmt: skip

_ROUNDING: dict[str, Version] = {
    "CONV_2D": (5, "2.4.0"),
    "DEPTHWISE_CONV_2D": (6, "2.3.0"),
    "FULLY_CONNECTED": (9, "2.3.0"),
}
"""With int8 weights, a scale a channel, beside float32 activations."""


def version_of(op: TfliteOp, operands: Sequence[TensorType], activation: DType) -> Version:
    """The lowest version of an operator that has what one use of it needs.

    Args:
        op: as the operator spells itself.
        operands: the types of its inputs, batch included.
        activation: the element type that decides: that of the first operand that is computed.
    """
    name, options = op.name, op.options
    narrow = any(t.dtype is DType.INT4 for t in operands)
    if narrow and (name == "TRANSPOSE_CONV" or (name, activation) == ("DEPTHWISE_CONV_2D", INT16)):
        raise UnsupportedError(name, f"TFLite has no int4 weights beside {activation.value}")
    by_type = op.versions or VERSIONS.get(name, {})
    if activation not in by_type:
        raise UnsupportedError(name, f"TFLite has none for {activation.value}")
    return max(
        [by_type[activation], *_special(name, options, operands, activation)], key=lambda v: v[0]
    )


def _special(
    name: str, options: Mapping[str, object], operands: Sequence[TensorType], activation: DType
) -> list[Version]:
    found: list[Version] = []
    weights = operands[1] if len(operands) > 1 else operands[0]
    per_channel = weights.quant is not None and len(weights.quant.scale) > 1
    rank = max(len(t.shape) for t in operands)
    if weights.dtype is INT8 and activation is FLOAT and name in _ROUNDING:
        found.append(_ROUNDING[name])
    if name == "FULLY_CONNECTED":
        if options.get("keepNumDims"):
            found.append((5, "2.0.0"))
        if weights.dtype is DType.INT4:
            found.append((13, "2.18.0") if activation is INT16 else (10, "2.11.0"))
        if per_channel:  # older runtimes would take the first scale for all
            found.append((12, "2.17.0"))
    if name == "CONV_2D":
        if weights.shape[3] != operands[0].shape[3]:
            found.append((6, "2.9.0"))
        if weights.dtype is DType.INT4:
            found.append((7, "2.11.0"))
    if name == "DEPTHWISE_CONV_2D":
        if options.get("dilationHFactor", 1) != 1 or options.get("dilationWFactor", 1) != 1:
            found.append((2, "1.12.0"))
        if weights.dtype is DType.INT4:  # the converter says 7, the reference kernels stop at 6
            found.append((6, "2.11.0"))
    if name == "TRANSPOSE_CONV" and options.get("fusedActivationFunction", "NONE") != "NONE":
        found.append((4, "2.13.0"))
    if name == "RESIZE_BILINEAR" and options.get("halfPixelCenters"):
        found.append((3, "2.2.0"))
    if name == "RESIZE_NEAREST_NEIGHBOR" and (
        options.get("halfPixelCenters") or options.get("alignCorners")
    ):
        found.append((3, "2.3.0"))
    if name in ("TRANSPOSE", "PAD", "PADV2") and rank > 4:
        found.append((4, "2.6.0"))
    if name in ("MAXIMUM", "MINIMUM") and rank > 4:
        found.append((3, "2.3.0"))
    if name in ("SUB", "DIV") and rank > 4:
        found.append((3 if name == "SUB" else 2, "2.3.0"))
    return found
