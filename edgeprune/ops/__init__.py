"""Meaning: one class per operator with every facet. Add one: write the class, add its row."""

from edgeprune.ir import Op
from edgeprune.ops.activation import (
    Elu,
    Gelu,
    HardSwish,
    LeakyRelu,
    PRelu,
    Relu,
    Sigmoid,
    Tanh,
    Unary,
)
from edgeprune.ops.arith import Add, Div, Keep, Maximum, Minimum, Mul, Sub
from edgeprune.ops.audio import AudioFeatures
from edgeprune.ops.compare import Compare
from edgeprune.ops.conv import Conv2d, Convolution, DepthwiseConv2d
from edgeprune.ops.conv_transpose import ConvTranspose2d
from edgeprune.ops.dense import Dense
from edgeprune.ops.embedding import Embedding
from edgeprune.ops.function import FUNCTIONS
from edgeprune.ops.lstm import Lstm
from edgeprune.ops.matmul import MatMul
from edgeprune.ops.pool import AvgPool2d, MaxPool2d, Mean
from edgeprune.ops.requant import Dequantize, Quantize
from edgeprune.ops.resize import Resize
from edgeprune.ops.shape import Concat, Gather, Pad, Reshape, Slice, Transpose
from edgeprune.ops.softmax import LogSoftmax, Softmax
from edgeprune.ops.svdf import SvdfFeature, SvdfTime

_ALL: tuple[type[Op], ...] = (
    Conv2d,
    DepthwiseConv2d,
    ConvTranspose2d,
    Dense,
    MatMul,
    MaxPool2d,
    AvgPool2d,
    Mean,
    Add,
    Sub,
    Mul,
    Div,
    Maximum,
    Minimum,
    Keep,
    Relu,
    Sigmoid,
    Tanh,
    LeakyRelu,
    PRelu,
    Elu,
    HardSwish,
    Gelu,
    *FUNCTIONS,
    Compare,
    Softmax,
    LogSoftmax,
    Reshape,
    Transpose,
    Pad,
    Concat,
    Slice,
    Gather,
    Embedding,
    Resize,
    Lstm,
    AudioFeatures,
    SvdfFeature,
    SvdfTime,
    Quantize,
    Dequantize,
)

OPS: dict[str, type[Op]] = {op.kind: op for op in _ALL}
