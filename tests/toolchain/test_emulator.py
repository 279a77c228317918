"""What comes over the serial line of an emulated AVR, and what does not."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from edgeprune.target import load_target
from edgeprune.toolchain import emulator, uart
from edgeprune.toolchain.watch import HungError
from tests.emit.avr import compiled_for_avr, the_core_answers_as_the_host_does
from tests.emit.packages import small_mlp


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    folder = tmp_path_factory.mktemp("avr")
    return compiled_for_avr(folder, small_mlp(folder / "mlp.onnx", 20, 13))


@pytest.mark.needs("avr-gcc", "qemu-system-avr")
@pytest.mark.parametrize("lost", range(len(uart.LEAD)))
def test_bytes_that_are_lost_before_the_line_is_open_change_no_answer(
    compiled: tuple[Path, np.ndarray], monkeypatch: pytest.MonkeyPatch, lost: int
) -> None:
    monkeypatch.setattr(uart, "LEAD", uart.LEAD[lost:])
    the_core_answers_as_the_host_does(*compiled)


def test_firmware_that_falls_silent_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(command: list[str], folder: Path, inferences: int, *, patience_s: float) -> None:
        raise HungError

    monkeypatch.setattr(emulator, "converse", silent)
    monkeypatch.setattr(emulator, "emulator_version", lambda program: "qemu 7.2")
    (tmp_path / "output.bin").write_bytes(b"\1")
    firmware = SimpleNamespace(target=load_target("avr"), elf=tmp_path / "firmware.elf")
    with pytest.raises(emulator.FirmwareError, match="hangs"):
        emulator.emulate(firmware, tmp_path, 1, (), patience_s=1)  # type: ignore[arg-type]
