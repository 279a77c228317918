"""int8 and float32 kernels for Armv7E-M and Armv8-M cores with the DSP extension (M4, M7, M33)."""

from edgeprune.kernels.arm_dsp.add import add
from edgeprune.kernels.arm_dsp.depthwise import depthwise
from edgeprune.kernels.arm_dsp.float32 import float32
from edgeprune.kernels.arm_dsp.linear import conv2d, dense
from edgeprune.kernels.arm_dsp.matmul import matmul
from edgeprune.kernels.arm_dsp.mul import mul
from edgeprune.kernels.arm_dsp.pool import mean, pool2d
from edgeprune.kernels.call import Kernel

KERNELS: tuple[Kernel, ...] = (
    depthwise, conv2d, dense, matmul, add, mul, pool2d, mean, float32,
)  # fmt: skip
"""In the order in which they are asked."""
