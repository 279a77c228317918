"""Programs that write firmware onto boards: one of each ecosystem, as a profile's [flash] says."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Mapping
from functools import cache

from edgeprune.errors import EdgePruneError
from edgeprune.target import Target
from edgeprune.toolchain.process import run_limited

FLASHERS = {
    "pyocd": "pip install pyocd",
    "openocd": "apt-get install openocd",
    "st-flash": "apt-get install stlink-tools",
    "avrdude": "apt-get install avrdude",
    "picotool": "https://github.com/raspberrypi/picotool",
    "esptool": "pip install esptool",
    "arduino-cli": "https://arduino.github.io/arduino-cli",
}
"""Those that a profile may name, and where they are from."""

WRITE_SECONDS = 300
BUILD_SECONDS = 900
_VERSION_SECONDS = 30
_VERSION = re.compile(r"\d+\.\d+(?:\.\d+)?")
_VERSION_OPTION = {"avrdude": "-?", "picotool": "version", "arduino-cli": "version"}


@cache
def flasher_version(program: str) -> str | None:
    """The version of one of ``FLASHERS``; None where it is not installed."""
    path = shutil.which(program)
    if path is None:
        return None
    command = [path, _VERSION_OPTION.get(program, "--version")]
    try:
        _, text = run_limited(command, program, seconds=_VERSION_SECONDS)
    except EdgePruneError:
        return None
    found = _VERSION.search(text)
    return found.group() if found else "of unknown version"


def commands(target: Target) -> tuple[str, ...]:
    """Command lines that write firmware onto a board, the best first.

    Raises:
        EdgePruneError: its profile names none, or a program that is none of ``FLASHERS``.
    """
    where = f"target {target.name}"
    lines: tuple[str, ...] = ()
    if target.flash is not None:
        lines = target.flash.tools
    elif target.arduino:
        upload = "arduino-cli upload --fqbn {} --port {{port}} --input-dir {{folder}}"
        lines = (upload.format(target.arduino),)
    if not lines:
        hint = "`edgeprune build --package` makes a project to add to firmware of your own"
        raise EdgePruneError(where, "it is not known how this is flashed", hint)
    for line in lines:
        if _program(line, where) not in FLASHERS:
            what = f"names {_program(line, where)!r}, which is none of {', '.join(FLASHERS)}"
            raise EdgePruneError(f"{where}: [flash]", what)
    return lines


def chosen(target: Target, tool: str | None) -> str:
    """The command line that is used: of the program that was asked for, else of one that is here.

    Raises:
        EdgePruneError: none is installed, or what was asked for does not flash this board.
    """
    where = f"target {target.name}"
    lines = {_program(line, where): line for line in commands(target)}
    if tool is not None and tool not in lines:
        raise EdgePruneError("--tool", f"{tool!r} is none of {', '.join(lines)}")
    asked = [tool] if tool is not None else list(lines)
    here = [name for name in asked if flasher_version(name) is not None]
    if not here:
        hint = "; ".join(f"{name}: {FLASHERS[name]}" for name in asked)
        raise EdgePruneError(where, f"{' or '.join(asked)} is not installed", hint)
    return lines[here[0]]


def filled_in(line: str, values: Mapping[str, str | None], where: str) -> list[str]:
    """A command line with its places filled in, as arguments.

    Of ``{{elf}}`` the outer braces stay: with them Tcl takes a path with spaces as one word.

    Raises:
        EdgePruneError: it names a place that is not known, or has no value.
    """
    arguments = []
    for word in shlex.split(line):
        for name in re.findall(r"{(\w+)}", word):
            if name not in values:
                raise EdgePruneError(f"{where}: [flash]", f"{{{name}}} is none of {sorted(values)}")
            value = values[name]
            if value is None:
                what = f"{shlex.split(line)[0]} needs the board's {name}"
                raise EdgePruneError(f"--{name}", what, f"give it: --{name} /dev/ttyACM0")
            word = word.replace(f"{{{name}}}", value)
        arguments.append(word)
    return arguments


def _program(line: str, where: str) -> str:
    try:
        return shlex.split(line)[0]
    except (ValueError, IndexError):
        raise EdgePruneError(f"{where}: [flash]", f"{line!r} is no command line") from None
