"""A small share of the campaigns, in every run of the suite."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import pytest

from tests.campaign.serial_line import CORES, FAULTS, pairs

ROOT = Path(__file__).parents[2]


def campaign(module: str, *arguments: str) -> str:
    command = [sys.executable, "-m", f"tests.campaign.{module}", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kinds", "count"),
    [
        ("onnx,pt2", 300),
        ("npz,npy,toml,journal,labels,picture", 300),
        ("tflite,manifest,vectors,list,report,verify-tflite,verify-onnx", 40),
    ],
)
def test_damaged_files_are_each_one_message_soon_and_in_bounded_memory(
    kinds: str, count: int
) -> None:
    said = campaign("files", kinds, str(count), "0")
    assert said.count("damaged files") == len(kinds.split(","))


@pytest.mark.slow
@pytest.mark.needs("arm-none-eabi-gcc", "qemu-system-arm")
def test_random_networks_are_built_for_cores_and_agree() -> None:
    assert campaign("networks", "2", "90211").endswith("2 networks: 2 agrees; 0 faults\n")


@pytest.mark.slow
@pytest.mark.needs(
    "arm-none-eabi-gcc", "qemu-system-arm", "riscv64-unknown-elf-gcc", "qemu-system-riscv32",
    "avr-gcc", "qemu-system-avr",
)  # fmt: skip
def test_faults_on_a_serial_line_end_in_right_answers_or_a_message() -> None:
    assert "16 faults, no wrong verdict" in campaign("serial_line", "16", "0")


def test_a_campaign_on_a_serial_line_tries_every_fault_with_every_core() -> None:
    everything = set(itertools.product(CORES, FAULTS))
    assert set(pairs(len(everything))) == everything
