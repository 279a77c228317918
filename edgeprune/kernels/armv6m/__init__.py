"""int8 kernels for Armv6-M: Cortex-M0 and M0+, which multiply in one cycle and load in two."""

from edgeprune.kernels.armv6m.conv import conv2d
from edgeprune.kernels.armv6m.depthwise import depthwise_conv2d
from edgeprune.kernels.call import Kernel

KERNELS: tuple[Kernel, ...] = (conv2d, depthwise_conv2d)
"""In the order in which they are asked."""
