"""The numbers of int8: every integer rule of LiteRT's reference kernels, in numpy.

What a quantised operator computes is decided here and nowhere else; ``runtime_c`` repeats it and
the tests compare all three. Arrays have a leading batch axis.
"""

from edgeprune.ir.fixedpoint.arith import (
    ADD_LEFT_SHIFT,
    add,
    add_multipliers,
    average_pool2d,
    bilinear_taps,
    blend,
    clamp,
    leaky_relu,
    max_pool2d,
    mean,
    mean_multiplier,
    mul,
    mul_multiplier,
    nearest_indices,
    prelu,
    sub,
)
from edgeprune.ir.fixedpoint.exponential import (
    log_softmax,
    softmax,
    softmax_params,
)
from edgeprune.ir.fixedpoint.linear import (
    conv2d,
    dense,
    depthwise_conv2d,
    matmul,
    matmul_multiplier,
    transpose_conv2d,
)
from edgeprune.ir.fixedpoint.rounding import (
    QMAX,
    QMIN,
    clamp_range,
    dequantize,
    effective_scales,
    quantize,
    quantize_multiplier,
    quantize_multipliers,
    reduced_multipliers,
    requantize,
    rescale,
    rescale_once,
    saturate,
)
from edgeprune.ir.fixedpoint.single import single_multiplier, single_multipliers, wide_multiplier
from edgeprune.ir.fixedpoint.tables import table_s8, table_s16, tabulate
from edgeprune.ir.fixedpoint.wide import (
    WHOLE,
    ends,
    interpolate,
    logistic_s16,
    softmax_s16,
    tabulate_s16,
    tanh_s16,
)
