"""How nodes are spelled in C: one module per kernel family.

Add a kernel: a function ``Request -> KernelCall | None`` and its row in ``KERNELS``.
"""
