"""Which ONNX operator is read by what. Add one: write its converter, add its row."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edgeprune.frontends.from_onnx import (
    elementwise,
    linear,
    norm,
    pool,
    qdq,
    reduce,
    resize,
    shape,
    window,
)
from edgeprune.frontends.from_onnx.reader import Call, Reader
from edgeprune.frontends.from_onnx.value import Value
from edgeprune.ops import Maximum, Minimum

Converter = Callable[[Reader, Call], Value | Sequence[Value]]

TABLE: dict[str, Converter] = {
    "Add": elementwise.add,
    "AveragePool": pool.average_pool,
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
    "GlobalAveragePool": pool.global_average_pool,
    "GlobalMaxPool": pool.global_max_pool,
    "HardSigmoid": elementwise.hard_sigmoid,
    "HardSwish": elementwise.hard_swish,
    "Identity": elementwise.identity,
    "LeakyRelu": elementwise.leaky_relu,
    "LogSoftmax": norm.log_softmax,
    "MatMul": linear.matmul,
    "Max": elementwise.extreme(Maximum()),
    "MaxPool": pool.max_pool,
    "Min": elementwise.extreme(Minimum()),
    "Mul": elementwise.mul,
    "Neg": elementwise.neg,
    "PRelu": elementwise.prelu,
    "Pad": shape.pad,
    "Pow": elementwise.power,
    "QuantizeLinear": qdq.quantize_linear,
    "ReduceMax": reduce.reduce_max,
    "ReduceMean": reduce.reduce_mean,
    "ReduceMin": reduce.reduce_min,
    "ReduceSum": reduce.reduce_sum,
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
