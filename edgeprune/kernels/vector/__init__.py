"""int8 kernels in plain C for processors whose compilers vectorise: AArch64, the host."""

from edgeprune.kernels.call import Kernel
from edgeprune.kernels.vector.linear import conv2d, dense, depthwise_conv2d

KERNELS: tuple[Kernel, ...] = (dense, conv2d, depthwise_conv2d)
"""In the order in which they are asked."""
