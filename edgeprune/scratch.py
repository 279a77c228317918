"""Folders for work in progress, which are gone when it ends, however it ends.

Whoever works in one holds a lock on a file in it. The system lets go of that lock when the process
dies, whatever it dies of: a folder whose lock is free is what a killed process left behind, and the
next one removes it.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

LOCK = "edgeprune.lock"
_PREFIX = "edgeprune-"
_NAME = re.compile(rf"\.?{_PREFIX}[a-z0-9_]{{8}}")


def workspace() -> Path:
    """A folder for temporary files of this process, removed when it ends."""
    return _workspace(os.getpid())


@cache
def _workspace(process: int) -> Path:
    folder, lock = _claim(Path(tempfile.gettempdir()), _PREFIX, _discard)

    def remove() -> None:
        if os.getpid() == process:  # a fork inherits this, and must leave the folder alone
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)

    atexit.register(remove)
    return folder


@contextmanager
def work_folder(parent: Path, salvage: Callable[[Path], None]) -> Iterator[Path]:
    """A hidden folder in ``parent`` that is removed in the end.

    Args:
        parent: where; must exist.
        salvage: called with each folder that a killed process left there, before it is removed.

    Raises:
        OSError: it cannot be made.
    """
    folder, lock = _claim(parent, f".{_PREFIX}", salvage)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes that ask for the same out of a folder for a moment."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(OSError):  # some network file systems have no locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _claim(parent: Path, prefix: str, salvage: Callable[[Path], None]) -> tuple[Path, int]:
    """A new folder and the open file whose lock says that somebody works in it."""
    with locked(parent):
        _remove_dead(parent, prefix, salvage)
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        try:
            lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError:
            folder.rmdir()  # a full disk: without a lock nobody would ever remove it
            raise
        with suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return folder, lock


def _remove_dead(parent: Path, prefix: str, salvage: Callable[[Path], None]) -> None:
    with os.scandir(parent) as entries:
        found = [e for e in entries if e.name.startswith(prefix) and _NAME.fullmatch(e.name)]
    for entry in found:
        with suppress(OSError):  # alive, not to be touched, or gone since
            if not _ours(entry):
                continue
            folder = Path(entry.path)
            lock = os.open(folder / LOCK, os.O_RDWR | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                salvage(folder)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)


def _ours(entry: os.DirEntry[str]) -> bool:
    """Whether this user made it, and it is a folder."""
    found = entry.stat(follow_symlinks=False)
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()


def _discard(folder: Path) -> None:
    """Nothing in a folder of temporary files is worth keeping."""
