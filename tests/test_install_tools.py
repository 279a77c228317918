"""The script that installs Debian packages, on a machine made of stubs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "scripts" / "install_tools.sh"
UTILITIES = ("sh", "env", "sort", "tr", "mktemp", "rm", "tail", "touch", "chmod", "echo", "true")
PROGRAMS = (
    "arm-none-eabi-gcc qemu-system-arm qemu-system-riscv32 qemu-system-avr "
    "riscv64-unknown-elf-gcc avr-gcc clang g++ cmake make"
).split()


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder that is the whole PATH: no compiler, no apt-get, an ordinary user."""
    for name in UTILITIES:
        program = shutil.which(name)
        assert program
        (tmp_path / name).symlink_to(program)
    add(tmp_path, "id", "echo 1000")
    return tmp_path


def add(machine: Path, name: str, body: str) -> None:
    program = machine / name
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)


def install(machine: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", str(SCRIPT), sys.executable],
        env={"PATH": str(machine), "HERE": str(machine)},
        capture_output=True,
        text=True,
        check=True,
    )


def test_without_apt_it_names_what_is_missing_and_goes_on(machine: Path) -> None:
    done = install(machine)
    assert "no Debian" in done.stderr
    assert "gcc-arm-none-eabi" in done.stderr
    assert "hint: apt-get install" in done.stderr


def test_without_root_or_sudo_it_installs_nothing(machine: Path) -> None:
    add(machine, "apt-get", 'echo "$@" >> "$HERE/log"')
    done = install(machine)
    assert "neither root nor sudo" in done.stderr
    assert not (machine / "log").exists()


def test_a_sudo_that_asks_for_a_password_is_left_alone(machine: Path) -> None:
    add(machine, "apt-get", 'echo "$@" >> "$HERE/log"')
    add(machine, "sudo", "exit 1")
    assert "neither root nor sudo" in install(machine).stderr
    assert not (machine / "log").exists()


@pytest.mark.parametrize("through_sudo", [False, True])
def test_with_rights_it_installs_what_is_missing_and_only_that(
    machine: Path, through_sudo: bool
) -> None:
    if through_sudo:
        add(machine, "sudo", 'shift; exec "$@"')
    else:
        add(machine, "id", "echo 0")
    made = " ".join(f'"$HERE/{p}"' for p in PROGRAMS)
    add(machine, "apt-get", f'echo "$@" >> "$HERE/log"; touch {made}; chmod +x {made}')
    add(machine, "clang", "true")
    install(machine)
    log = (machine / "log").read_text()
    assert " update" in log
    assert "gcc-arm-none-eabi" in log
    assert " clang" not in log


def test_one_package_that_does_not_exist_does_not_keep_the_others_away(machine: Path) -> None:
    add(machine, "id", "echo 0")
    add(
        machine,
        "apt-get",
        'case "$*" in *clang*) exit 100;; *g++*) touch "$HERE/g++"; chmod +x "$HERE/g++";; esac',
    )
    done = install(machine)
    assert "could not install" in done.stderr
    hint = next(line for line in done.stderr.splitlines() if "hint" in line)
    assert "clang" in hint
    assert "g++" not in hint
