"""int8 kernels for RISC-V of 32 bits with multiplication, of 31 registers."""

from edgeprune.kernels.call import Kernel
from edgeprune.kernels.riscv.conv import conv2d
from edgeprune.kernels.riscv.dense import dense
from edgeprune.kernels.riscv.depthwise import depthwise_conv2d

KERNELS: tuple[Kernel, ...] = (conv2d, depthwise_conv2d, dense)
"""In the order in which they are asked."""
