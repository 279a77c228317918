"""Which ONNX operator is read by what. Add one: write its converter, add its row."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edgeprune.frontends.from_onnx import (
    elementwise,
    linear,
    norm,
    qdq,
    reduce,
    resize,
    shape,
    window,
)
from edgeprune.frontends.from_onnx.reader import Call, Reader
from edgeprune.frontends.from_onnx.value import Value

Converter = Callable[[Reader, Call], Value | Sequence[Value]]

TABLE: dict[str, Converter] = {
    "Add": elementwise.add,
    "AveragePool": window.average_pool,
    "BatchNormalization": norm.batch_normalization,
    "Cast": elementwise.cast,
    "Clip": elementwise.clip,
    "Concat": shape.concat,
    "Conv": window.conv,
    "ConvTranspose": window.conv_transpose,
    "DepthToSpace": shape.depth_to_space,
    "DequantizeLinear": qdq.dequantize_linear,
    "Div": elementwise.div,
    "Dropout": elementwise.dropout,
    "Elu": elementwise.elu,
    "Expand": elementwise.expand,
    "Flatten": shape.flatten,
    "Gather": shape.gather,
    "Gelu": elementwise.gelu,
    "Gemm": linear.gemm,
    "GlobalAveragePool": window.global_average_pool,
    "GlobalMaxPool": window.global_max_pool,
    "HardSigmoid": elementwise.hard_sigmoid,
    "HardSwish": elementwise.hard_swish,
    "Identity": elementwise.identity,
    "LeakyRelu": elementwise.leaky_relu,
    "LogSoftmax": norm.log_softmax,
    "MatMul": linear.matmul,
    "Max": elementwise.bound(True),
    "MaxPool": window.max_pool,
    "Min": elementwise.bound(False),
    "Mul": elementwise.mul,
    "Neg": elementwise.neg,
    "PRelu": elementwise.prelu,
    "Pad": shape.pad,
    "QuantizeLinear": qdq.quantize_linear,
    "ReduceMax": reduce.reduce_max,
    "ReduceMean": reduce.reduce_mean,
    "Relu": elementwise.relu,
    "Reshape": shape.reshape,
    "Resize": resize.resize,
    "Shape": shape.shape,
    "Sigmoid": elementwise.sigmoid,
    "Size": shape.size,
    "Slice": shape.slice_,
    "Softmax": norm.softmax,
    "SpaceToDepth": shape.space_to_depth,
    "Split": shape.split,
    "Squeeze": shape.squeeze,
    "Sub": elementwise.sub,
    "Sum": elementwise.total,
    "Swish": elementwise.swish,
    "Tanh": elementwise.tanh,
    "Transpose": shape.transpose,
    "Unsqueeze": shape.unsqueeze,
    "Upsample": resize.resize,
}
