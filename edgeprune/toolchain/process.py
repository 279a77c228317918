"""Programs that are started: compilers, emulators, and what was compiled. None runs without limits.

Generated C may come from a folder of somebody else's, so that what compiles and runs it is held to
a time, an address space and a size of files, together with all that it starts itself.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from edgeprune.errors import EdgePruneError
from edgeprune.scratch import workspace

MEMORY_BYTES = 6 << 30
FILE_BYTES = 4 << 30
_MOST_OUTPUT = 256 << 20
# dash counts files in 512 bytes, bash in 1,024: the limit is a bound, not a figure
_SHELL = 'ulimit -c 0; ulimit -v "$1" 2>/dev/null; ulimit -f "$2" 2>/dev/null; shift 2; exec "$@"'


def limited(command: Sequence[str | Path]) -> list[str]:
    """The command under limits of memory and of what it writes; start it as a new session."""
    sizes = [str(MEMORY_BYTES >> 10), str(FILE_BYTES >> 10)]
    return ["/bin/sh", "-c", _SHELL, "sh", *sizes, *map(_word, command)]


def _word(part: str | Path) -> str:
    """A word of a command; a path is one whatever its name, no option and no list of options."""
    word = str(part)
    return f"./{word}" if isinstance(part, Path) and word.startswith(("-", "@")) else word


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process that leads a session, and all that it started, unless it ended by itself."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _kept(folder: Path) -> IO[bytes]:
    """A file without a name, in memory where the system can: no disk runs full under it.

    binutils end well when what they print was cut short, and half a list of symbols looks whole.
    """
    if hasattr(os, "memfd_create"):
        with suppress(OSError):  # a sandbox may forbid it
            return open(os.memfd_create("printed"), "w+b")
    return tempfile.TemporaryFile(dir=folder)


def run_limited(command: Sequence[str | Path], where: str, *, seconds: float) -> tuple[int, str]:
    """Run a program to its end.

    Args:
        command: the program and its arguments.
        where: what it is run for, in messages.
        seconds: how long it may take.

    Returns:
        Its exit status, and what it printed, errors last.

    Raises:
        EdgePruneError: it took too long.
    """
    folder = workspace()
    environment = {**os.environ, "TMPDIR": str(folder)}  # a killed compiler leaves files there
    with _kept(folder) as printed, _kept(folder) as errors:
        process = subprocess.Popen(
            limited(command),
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=errors,
            env=environment,
            start_new_session=True,
        )
        try:
            status = process.wait(seconds)
        except subprocess.TimeoutExpired:
            what = f"{Path(command[0]).name} took longer than {seconds:g} s"
            raise EdgePruneError(where, what) from None
        finally:
            end(process)
        texts = []
        for file in (printed, errors):
            file.seek(0)
            texts.append(file.read(_MOST_OUTPUT).decode("utf-8", "replace"))
    return status, "".join(texts)
