"""Object files that outlive the command that made them, in the user's cache directory.

Nearly all C of a build is the package's own, and is the same from build to build. A file is named
by the digest of all that the compiler read to make it, and holds the digest of its own content, so
that one which was damaged counts as absent. No directory is used that others could write to: what
lies in it is linked, and runs.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from contextlib import suppress
from functools import cache
from itertools import count
from pathlib import Path

MOST_BYTES = 64 << 20
"""Of all files; where there are more, those go that were not used for longest, down to a half."""

_LOOKS = 64  # files are stored between two looks at what all take
_DIGEST = hashlib.sha256().digest_size
_stored = count()


@cache
def folder() -> Path | None:
    """``edgeprune`` in ``$XDG_CACHE_HOME``, or in ``~/.cache``; None where it cannot be used.

    It can where it is a directory of this user's that nobody else can enter.
    """
    try:
        given = Path(os.environ.get("XDG_CACHE_HOME", ""))
        base = given if given.is_absolute() else Path.home() / ".cache"
        base.mkdir(mode=0o700, exist_ok=True)
        made = base / "edgeprune"
        made.mkdir(mode=0o700, exist_ok=True)
        found = made.lstat()
    except (OSError, RuntimeError):  # a home that is not there, or cannot be told
        return None
    private = stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) == 0o700
    return made if private and found.st_uid == os.geteuid() else None


def fetch(key: str, to: Path) -> bool:
    """Write what is stored under a key to a file; whether it is there, and whole."""
    place = folder()
    if place is None:
        return False
    try:
        content = (place / key).read_bytes()
        os.utime(place / key)  # used last
    except OSError:
        return False
    if hashlib.sha256(content[_DIGEST:]).digest() != content[:_DIGEST]:
        return False
    to.write_bytes(content[_DIGEST:])
    return True


def store(key: str, made: Path) -> None:
    """Keep a file under a key. What the disk does not take is not kept."""
    place = folder()
    if place is None:
        return
    content = made.read_bytes()
    with suppress(OSError):
        handle, name = tempfile.mkstemp(dir=place)
        with open(handle, "wb") as file:
            file.write(hashlib.sha256(content).digest() + content)
        os.replace(name, place / key)  # whole or not at all
        if next(_stored) % _LOOKS == 0:
            _trim(place)


def _trim(place: Path) -> None:
    """Remove what was not used for longest where all files take too much."""
    with os.scandir(place) as entries:
        files = sorted((e.stat().st_mtime_ns, e.stat().st_size, e.path) for e in entries)
    left = sum(size for _, size, _ in files)
    if left <= MOST_BYTES:
        return
    for _, size, path in files:
        if left <= MOST_BYTES // 2:
            break
        with suppress(OSError):  # another process was first
            os.unlink(path)
        left -= size
