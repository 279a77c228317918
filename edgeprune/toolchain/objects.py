"""Object files that outlive the command that made them, in the user's cache directory.

Nearly all C of a build is the package's own, and is the same from build to build; no other is
kept. A file is named by the digest of all that the compiler read to make it, and holds the digest
of its own content, so that one which was damaged counts as absent. No directory is used that
others could write to: what lies in it is linked, and runs.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from itertools import count
from pathlib import Path

from edgeprune.resources import firmware_dir, runtime_dir

MOST_BYTES = 64 << 20
"""Of all files; where there are more, those go that were not used for longest, down to a half."""

_LOOKS = 64  # files are stored between two looks at what all take
_DIGEST = hashlib.sha256().digest_size
_KINDS = (".c", ".h", ".inc", ".S")
_stored = count()
_UNFINISHED = "new-"  # how the names of files begin that are being written
_STALE_S = 3600.0  # after which whoever wrote it was killed

_CLOSED = re.compile(
    r"-m(?!.*native)[\w-]+(=[\w.,+-]+)?|-O[0-3sgz]?|-[DU].+|-std=[\w+:]+|-static"
    r"|-W[\w+-]+(=[\w-]+)?|--specs=[\w-]+\.specs|-ffp-contract=\w+"
    r"|-f(no-)?(function-sections|data-sections|common|math-errno|fast-math|freestanding|builtin"
    r"|(asynchronous-)?unwind-tables|exceptions|strict-aliasing|tree-loop-distribute-patterns"
    r"|short-enums|signed-char|unsigned-char|single-precision-constant|pic|PIC)"
)
"""Flags that bring in no file but the compiler's own, and write none into what is made."""
_VARIABLES = re.compile(
    r"\w*INCLUDE_PATH|CPATH|COMPILER_PATH|(GCC|CCC|CLANG)_\w+|SDKROOT|SOURCE_DATE_EPOCH"
    r"|DEPENDENCIES_OUTPUT|SUNPRO_DEPENDENCIES"
)
"""Of the environment: they change what a compiler reads or writes, beside its flags."""
_GUARDED = re.compile(rb"#if [^\n]*\n(.*?)(#else\ntypedef int \w+;\n)?#endif\n", re.DOTALL)


@cache
def folder() -> Path | None:
    """``edgeprune`` in ``$XDG_CACHE_HOME``, or in ``~/.cache``; None where it cannot be used.

    It can where it is a directory of this user's that nobody else can enter.
    """
    try:
        given = Path(os.environ.get("XDG_CACHE_HOME", ""))
        home = Path(os.environ.get("HOME", "~"))  # Path.home() is / where HOME is empty
        base = given if given.is_absolute() else home.expanduser() / ".cache"
        if not base.is_absolute():
            return None
        made = base / "edgeprune"
        for place in (base, made):
            # In a home of somebody else's, as under sudo, it would be in its owner's way.
            if not place.is_dir() and place.parent.stat().st_uid == os.geteuid():
                place.mkdir(mode=0o700, exist_ok=True)
        found = made.lstat()
    except (OSError, RuntimeError):  # a home that is not there, or cannot be told
        return None
    private = stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) == 0o700
    return made if private and found.st_uid == os.geteuid() else None


def is_closed(flags: Sequence[str]) -> bool:
    """Whether a compiler with these flags reads the source, what that includes, and its own files.

    Flags that are not known to do so are taken for such that do not.
    """
    return all(map(_CLOSED.fullmatch, flags)) and not any(map(_VARIABLES.fullmatch, os.environ))


def is_own(content: bytes) -> bool:
    """Whether a file is one that comes with the package, maybe in a guard of its instruction set.

    What lies in a build folder may be somebody else's, whatever its name.
    """
    guarded = _GUARDED.fullmatch(content)
    texts = (content, guarded.group(1)) if guarded else (content,)
    return any(hashlib.sha256(text).digest() in _own() for text in texts)


@cache
def _own() -> frozenset[bytes]:
    """Digests of all files of the package that a compiler is given."""
    folders = (runtime_dir(), firmware_dir(), Path(__file__).parent)
    paths = [p for folder in folders for p in folder.rglob("*") if p.suffix in _KINDS]
    return frozenset(hashlib.sha256(p.read_bytes()).digest() for p in paths)


def fetch(key: str, to: Path) -> bool:
    """Write what is stored under a key to a file; whether it is there, and whole."""
    place = folder()
    if place is None:
        return False
    try:
        content = (place / key).read_bytes()
    except OSError:
        return False
    with suppress(OSError):  # of a file system that is only read
        os.utime(place / key)  # used last
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
        handle, name = tempfile.mkstemp(dir=place, prefix=_UNFINISHED)
        try:
            with open(handle, "wb") as file:
                file.write(hashlib.sha256(content).digest() + content)
            os.replace(name, place / key)  # whole or not at all
        finally:
            with suppress(FileNotFoundError):  # it has its name
                os.unlink(name)
        if next(_stored) % _LOOKS == 0:
            _trim(place)


def _trim(place: Path) -> None:
    """Remove what killed commands left, and where all takes too much what was not used longest."""
    with os.scandir(place) as entries:
        files = sorted((e.stat().st_mtime_ns, e.stat().st_size, e.path) for e in entries)
    stale = time.time_ns() - int(_STALE_S * 1e9)
    left = sum(size for _, size, _ in files)
    most = MOST_BYTES if left <= MOST_BYTES else MOST_BYTES // 2
    for used, size, path in files:
        is_stale = used < stale and os.path.basename(path).startswith(_UNFINISHED)
        if left <= most and not is_stale:
            continue
        with suppress(OSError):  # another process was first
            os.unlink(path)
        left -= size
