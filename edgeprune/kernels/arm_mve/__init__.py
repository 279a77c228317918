"""Kernels for Armv8.1-M cores with Helium (the M-profile vector extension): Cortex-M55."""

from edgeprune.kernels.arm_mve.add import add
from edgeprune.kernels.arm_mve.conv import conv2d
from edgeprune.kernels.arm_mve.dense import dense
from edgeprune.kernels.arm_mve.depthwise import depthwise
from edgeprune.kernels.arm_mve.float32 import by_rows as rows_f32
from edgeprune.kernels.arm_mve.float32 import conv2d as conv2d_f32
from edgeprune.kernels.arm_mve.mul import mul
from edgeprune.kernels.arm_mve.rest import rest
from edgeprune.kernels.arm_mve.wide import wide_add, wide_conv2d
from edgeprune.kernels.call import Kernel

KERNELS: tuple[Kernel, ...] = (
    conv2d,
    depthwise,
    dense,
    add,
    mul,
    rest,
    wide_conv2d,
    wide_add,
    conv2d_f32,
    rows_f32,
)
"""In the order in which they are asked."""
