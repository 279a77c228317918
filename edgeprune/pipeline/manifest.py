"""What a build wrote into a folder: files with their hashes, as ``sha256sum -c`` reads them.

What is on the list, and still has the hash that it says, may be replaced; nothing else is ours.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

NAME = "edgeprune-manifest.sha256"
_MOST_BYTES = 1 << 22
_LINE = re.compile(r"([0-9a-f]{64})  (\S.*)")


def write(folder: Path) -> None:
    """List every file of a folder in it."""
    rows = sorted((p.relative_to(folder).as_posix(), digest(p)) for p in _files(folder))
    _save(folder, dict(rows))


def update(folder: Path, name: str) -> None:
    """Note that a file was written anew, in a folder that has a list."""
    rows = read(folder)
    if rows:
        _save(folder, rows | {name: digest(folder / name)})


def strangers(folder: Path) -> list[str]:
    """Names of what lies in a folder, relative to it, and was not written so by a build.

    A file of ours that was changed by hand is one of them; so is an empty folder.
    """
    rows = read(folder)
    ours = {str(parent) for name in rows for parent in PurePosixPath(name).parents}
    found = []
    for path in _files(folder):
        name = path.relative_to(folder).as_posix()
        if path.is_dir() and not path.is_symlink():
            if name not in ours:
                found.append(f"{name}/")
        elif name != NAME and not _is_as_written(path, rows.get(name)):
            found.append(f"{name} (changed)" if name in rows else name)
    if not rows and (folder / NAME).exists():
        found.append(NAME)
    return sorted(found)


def _is_as_written(path: Path, known: str | None) -> bool:
    return known is not None and not path.is_symlink() and path.is_file() and digest(path) == known


def _files(folder: Path) -> Iterator[Path]:
    """Everything in a folder but the folders that hold something; links are not followed."""

    def refuse(error: OSError) -> None:
        raise error

    for place, folders, files in os.walk(folder, onerror=refuse):
        here = Path(place)
        yield from (here / name for name in files)
        yield from (here / name for name in folders if (here / name).is_symlink())
        if not folders and not files and here != folder:
            yield here


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read(folder: Path) -> dict[str, str]:
    """Hashes by name; empty where there is no list, or one that is damaged."""
    path = folder / NAME
    if path.is_symlink() or not path.is_file() or path.stat().st_size > _MOST_BYTES:
        return {}
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    matches = [_LINE.fullmatch(line) for line in lines]
    return {m[2]: m[1] for m in matches if m is not None} if all(matches) else {}


def _save(folder: Path, rows: dict[str, str]) -> None:
    text = "".join(f"{known}  {name}\n" for name, known in sorted(rows.items()))
    (folder / NAME).write_text(text, encoding="utf-8")
