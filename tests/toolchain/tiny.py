"""A small hand-written model, what it computes, and the cores that it runs on."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

TINY = Path(__file__).with_name("data") / "tiny"
NEEDS_ARM = pytest.mark.needs("arm-none-eabi-gcc", "qemu-system-arm")
CORTEX_M = ("cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55")
OTHERS = {
    "rv32imc": pytest.mark.needs("riscv64-unknown-elf-gcc", "qemu-system-riscv32"),
    "avr": pytest.mark.needs("avr-gcc", "qemu-system-avr"),
    "aarch64": pytest.mark.needs("aarch64-linux-gnu-gcc", "qemu-aarch64"),
}

Variant = Callable[..., Path]


def on(cores: Sequence[str]) -> pytest.MarkDecorator:
    """Run a test on each of these cores, where its tools are installed."""
    rows = [pytest.param(core, marks=OTHERS.get(core, NEEDS_ARM)) for core in cores]
    return pytest.mark.parametrize("core", rows)


on_every_core = on([*CORTEX_M, "rv32imc", "avr"])
on_every_core_and_aarch64 = on([*CORTEX_M, *OTHERS])
on_every_cortex_m = on(CORTEX_M)


def expected(inputs: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
    """What tests/toolchain/data/tiny computes."""
    weights = np.array([[1] * 16, range(1, 17), [1, -1] * 8, [0] * 15 + [127]])
    return (2 * inputs.astype(int) @ weights.T).astype(np.int8)
