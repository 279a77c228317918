"""Kernels in portable C99 (``runtime_c/src``): one module per family, one function per operator."""
