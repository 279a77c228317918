"""Between float32 and integers, and between two scales."""

from __future__ import annotations

from edgeprune.ir import DType
from edgeprune.kernels.call import KernelCall, Request
from edgeprune.kernels.portable._spell import SUFFIX, dtypes, quant, spell
from edgeprune.kernels.portable.activation import requantize
from edgeprune.ops import Dequantize, Quantize


def convert(request: Request) -> KernelCall | None:
    """Quantize and Dequantize."""
    op, graph, node = request.node.op, request.graph, request.node
    if not isinstance(op, Quantize | Dequantize):
        return None
    x, y = graph.types_of(node)[0], graph.types[node.output]
    match dtypes(request):
        case (DType.INT8, DType.INT8) | (DType.INT16, DType.INT16):
            return requantize(request)
        case (DType.INT16, DType.INT8 | DType.INT32):
            return requantize(request)
        case (DType.FLOAT32, DType.INT8 | DType.INT16):
            kernel, integers = f"ep_quantize_f32_{SUFFIX[y.dtype]}", y
        case (DType.INT8 | DType.INT16, DType.FLOAT32):
            kernel, integers = f"ep_dequantize_{SUFFIX[x.dtype]}_f32", x
        case _:
            return None
    scale, zero = quant(integers).scalar
    return spell(
        kernel,
        {"length": y.size, "scale": float(scale), "zero": zero},
        node.inputs,
        instructions=15 * y.size,
    )
