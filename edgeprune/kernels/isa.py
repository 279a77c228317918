"""Families of processors: what tells a compiler that it builds for one, and whose counts hold.

Add one: its folder ``runtime_c/arch/<isa>``, its row in ``GUARDS``, and its name among ``kernels``
in the profiles of its cores. Files of the names of those in ``runtime_c/src`` need no more; kernels
of its own have a package beside this file and a row in
:data:`edgeprune.kernels.select.KERNELS`.
"""

from __future__ import annotations

GUARDS = {
    "vector": "(defined(__SSE2__) || defined(__ARM_NEON))",
    "arm_dsp": "defined(__ARM_FEATURE_DSP)",
    "arm_mve": "defined(__ARM_FEATURE_MVE)",
    "armv6m": "defined(__ARM_ARCH_6M__)",
    "armv7m": "defined(__ARM_ARCH_7M__)",
    "avr": "defined(__AVR__)",
    "riscv": "(defined(__riscv_mul) && __riscv_xlen == 32 && !defined(__riscv_32e))",
}
"""By folder of ``runtime_c/arch``, when the C preprocessor takes what is in it."""

COUNTED = ("cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m55", "rv32imc")
"""Cores that the scripts measure: they have tables in ``fitted/`` and sizes.json."""
NEAREST = {
    "cortex-m0": "cortex-m0plus",
    "cortex-m7": "cortex-m4",
    "cortex-m33": "cortex-m4",
    "host": "aarch64",
}
"""Cores without tables of their own, and whose are taken."""
DEFAULT = "cortex-m4"
"""Whose tables are taken for all other cores."""
SOFT = dict.fromkeys(("cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55"), "cortex-m3")
"""Cores with an FPU, and the one whose counts hold for float code on those made without it."""
