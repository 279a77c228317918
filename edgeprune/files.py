"""Files of the user's, read whole: regular ones, and none that is larger than what it is for.

A pipe or a device never ends; a name that leads to one is refused before a byte is read.
"""

from __future__ import annotations

import json
import math
import os
import stat
import tempfile
import tomllib
from pathlib import Path
from typing import Any, NoReturn

from edgeprune.errors import EdgePruneError

MODEL_BYTES = 256 << 20  # of a model file that is read
_MOST_DOTS = 256  # in a line of TOML: the time that a dotted key takes grows with their square


def check_regular(path: Path, hint: str = "") -> int:
    """Bytes of a file that can be read to its end.

    Raises:
        EdgePruneError: it is missing, a folder, or something that never ends.
    """
    try:
        found = path.stat()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise EdgePruneError(str(path), f"cannot be read: {why}", hint) from None
    if not stat.S_ISREG(found.st_mode):
        kind = "a folder" if stat.S_ISDIR(found.st_mode) else "a device, a pipe or a socket"
        raise EdgePruneError(str(path), f"cannot be read: it is {kind}, not a file", hint)
    return found.st_size


def check_regular_below(folder: Path) -> int:
    """Bytes of all files below a folder, each of which can be read to its end.

    Raises:
        EdgePruneError: one of them cannot.
    """
    places = [Path(place) / name for place, _, names in os.walk(folder) for name in names]
    return sum(check_regular(p) for p in sorted(places))


def read_bytes(path: Path, most: int, hint: str = "") -> bytes:
    """The content of a file.

    Args:
        path: the file.
        most: bytes that it may have.
        hint: of what is raised.

    Raises:
        EdgePruneError: it is no regular file, cannot be read, or is larger.
    """
    size = check_regular(path, hint)
    if size > most:
        raise EdgePruneError(str(path), f"is larger than {most} bytes", hint)
    try:
        with path.open("rb") as file:
            return file.read(size)
    except OSError as error:
        raise EdgePruneError(str(path), f"cannot be read: {error.strerror}", hint) from None


def read_json(path: Path, most: int, hint: str = "") -> Any:
    """What a JSON file says; NaN, infinities and numbers too large for a float are refused.

    Args:
        path: the file.
        most: bytes that it may have.
        hint: of what is raised.

    Raises:
        EdgePruneError: it cannot be read, or is no JSON.
    """
    raw = read_bytes(path, most, hint)
    try:
        return parse_json(raw.decode("utf-8"))
    except ValueError as error:
        raise EdgePruneError(str(path), f"is not JSON: {error}", hint) from None


def parse_json(text: str) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: it is none, is nested too deep, or has a number that is none.
    """
    try:
        return json.loads(text, parse_constant=_no_constant, parse_float=_finite)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def read_toml(path: Path, most: int, hint: str = "") -> dict[str, Any]:
    """What a TOML file says.

    Args:
        path: the file.
        most: bytes that it may have.
        hint: of what is raised.

    Raises:
        EdgePruneError: it cannot be read, or is no TOML.
    """
    raw = read_bytes(path, most, hint)
    if any(line.count(b".") > _MOST_DOTS for line in raw.splitlines()):
        raise EdgePruneError(str(path), f"has a line with more than {_MOST_DOTS} dots", hint)
    try:
        return tomllib.loads(raw.decode("utf-8"))
    except ValueError as error:
        raise EdgePruneError(str(path), f"is not TOML: {error}", hint) from None
    except RecursionError:
        raise EdgePruneError(str(path), "is not TOML: it is nested too deep", hint) from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is too large a number")
    return value


def replace_text(path: Path, text: str) -> None:
    """Write a file anew, also where a link of that name is: all of it, or what was there stays.

    Raises:
        OSError: it cannot be written.
    """
    handle, temp = tempfile.mkstemp(dir=path.parent)
    try:
        with open(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(temp, 0o644)
        os.replace(temp, path)
    except BaseException:
        os.unlink(temp)
        raise


def append_line(path: Path, line: str) -> None:
    """Add a line to a file, which is made where there is none: the whole line or nothing of it.

    An earlier line that was cut short, as a process that was killed leaves it, stays its own.

    Raises:
        EdgePruneError: it cannot be written.
    """
    try:
        made = not path.exists()
        with path.open("ab+", buffering=0) as file:
            size = file.seek(0, os.SEEK_END)
            if size:
                file.seek(-1, os.SEEK_END)
            lead = b"" if not size or file.read(1) == b"\n" else b"\n"
            rest = lead + line.encode() + b"\n"
            try:
                while rest:
                    rest = rest[file.write(rest) :]
                os.fsync(file.fileno())
            except OSError:
                file.truncate(size)  # what follows would be read as a part of it
                if made:
                    path.unlink()
                raise
    except OSError as error:
        raise EdgePruneError(str(path), f"cannot be written: {error.strerror}") from None
