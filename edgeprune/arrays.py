"""Arrays in: ``.npy`` and ``.npz`` files, with every claim checked before memory is given for it.

numpy's own readers allocate what a header claims, and raise whatever zipfile, zlib and the parser
of the header raise. Format: numpy/lib/_format_impl.py ("NEP 1").
"""

from __future__ import annotations

import ast
import math
import re
import struct
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from edgeprune.errors import EdgePruneError
from edgeprune.files import check_regular

Array = NDArray[Any]

MAX_BYTES = 8 << 30
_MAX_MEMBERS = 4096
_MAX_HEADER = 4096
_MAX_BRACKETS = 16  # in a header, of each kind
_MAX_DIMENSIONS = 32
_MOST_INFLATED = 1032  # times: deflate's limit
_DTYPE = re.compile(r"[<>|=]?[a-zA-Z?]\d*")
_DAMAGED = (OSError, EOFError, RuntimeError, NotImplementedError, ValueError, zlib.error)
"""What zipfile raises for what it cannot read; zipfile.BadZipFile is handled beside it."""


@dataclass(frozen=True)
class _Header:
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    fortran: bool
    length: int  # bytes, magic included

    @property
    def data_bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


class _BadArrayError(Exception):
    """What is wrong with an array, without the place."""


def names_in(path: Path, hint: str = "") -> tuple[str, ...]:
    """Names of the arrays in an ``.npz`` file.

    Raises:
        EdgePruneError: it is none, or is damaged.
    """
    with _opened(path, hint) as archive:
        return tuple(_members(archive, path, hint))


def load_npz(path: Path, names: Sequence[str], hint: str = "") -> dict[str, Array]:
    """Arrays of an ``.npz`` file.

    Args:
        path: the file.
        names: which; others are not read.
        hint: of what is raised.

    Raises:
        EdgePruneError: it is no ``.npz`` file or is damaged, or lacks one of the arrays.
    """
    with _opened(path, hint) as archive:
        members = _members(archive, path, hint)
        missing = [n for n in names if n not in members]
        if missing:
            what = f"has {sorted(members)}, but no {', '.join(missing)}"
            raise EdgePruneError(str(path), what, hint)
        return {n: _load_member(archive, members[n], f"{path}: {n}", hint) for n in names}


def map_npy(path: Path, hint: str = "") -> Array:
    """The array of an ``.npy`` file, read only where it is looked at.

    Raises:
        EdgePruneError: it is no ``.npy`` file, or is cut.
    """
    size = check_regular(path, hint)
    try:
        with path.open("rb") as file:
            header = _read_header(file)
        if header.length + header.data_bytes > size:
            raise _BadArrayError(f"its header claims {_claim(header)}, the file has {size} bytes")
        order = "F" if header.fortran else "C"
        if header.data_bytes == 0:
            return np.empty(header.shape, header.dtype)
        found: Array = np.memmap(
            path,
            header.dtype,
            "r",
            header.length,
            header.shape,
            order,  # type: ignore[call-overload]
        )
        return found
    except (_BadArrayError, OSError, ValueError) as error:
        raise EdgePruneError(str(path), f"cannot be read: {error}", hint) from None


def _opened(path: Path, hint: str) -> zipfile.ZipFile:
    check_regular(path, hint)
    try:
        return zipfile.ZipFile(path)
    except (*_DAMAGED, zipfile.BadZipFile) as error:
        raise EdgePruneError(str(path), f"cannot be read: {error}", hint) from None


def _members(archive: zipfile.ZipFile, path: Path, hint: str) -> dict[str, zipfile.ZipInfo]:
    """What is in an archive, by the name of the array."""
    found: dict[str, zipfile.ZipInfo] = {}
    where = str(path)
    if len(archive.infolist()) > _MAX_MEMBERS:
        raise EdgePruneError(where, f"holds more than {_MAX_MEMBERS} arrays", hint)
    for info in archive.infolist():
        name = info.filename.removesuffix(".npy")
        if name in found:
            raise EdgePruneError(where, f"holds {name!r} twice", hint)
        found[name] = info
    total = sum(i.file_size for i in found.values())
    if total > MAX_BYTES:
        raise EdgePruneError(where, f"unpacks to {total} bytes, more than {MAX_BYTES}", hint)
    return found


def _load_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, where: str, hint: str) -> Array:
    try:
        if info.flag_bits & 1:
            raise _BadArrayError("it is encrypted")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise _BadArrayError(f"it is compressed by method {info.compress_type}, not by deflate")
        if info.file_size > info.compress_size * _MOST_INFLATED:
            raise _BadArrayError(f"it claims to hold {info.file_size} bytes")
        with archive.open(info) as file:
            return _read_array(file, info.file_size)
    except (_BadArrayError, zipfile.BadZipFile, *_DAMAGED) as error:
        what = f"cannot be read: {str(error) or type(error).__name__}"
        raise EdgePruneError(where, what, hint) from None


def _read_array(file: IO[bytes], size: int) -> Array:
    header = _read_header(file)
    if header.length + header.data_bytes != size:
        raise _BadArrayError(f"its header claims {_claim(header)}, it has {size} bytes")
    flat = np.empty(math.prod(header.shape), header.dtype)
    room = flat.view(np.uint8).data
    done = 0
    while done < len(room):
        part = file.read(min(1 << 20, len(room) - done))
        if not part:
            raise _BadArrayError(f"it ends after {done} of {len(room)} bytes")
        room[done : done + len(part)] = part
        done += len(part)
    if file.read(1):  # and so the checksum is compared
        raise _BadArrayError("it is longer than its header says")
    return flat.reshape(header.shape, order="F" if header.fortran else "C")


def _claim(header: _Header) -> str:
    return f"{list(header.shape)} of {header.dtype}: {header.data_bytes} bytes"


def _read_header(file: IO[bytes]) -> _Header:
    start = file.read(8)
    if len(start) < 8 or start[:6] != b"\x93NUMPY":
        raise _BadArrayError("it is no .npy file")
    wide = start[6] > 1
    if start[6] not in (1, 2, 3):
        raise _BadArrayError(f"it is of version {start[6]} of the format")
    raw = file.read(4 if wide else 2)
    if len(raw) < (4 if wide else 2):
        raise _BadArrayError("its header is cut")
    (length,) = struct.unpack("<I" if wide else "<H", raw)
    if length > _MAX_HEADER:
        raise _BadArrayError(f"its header has {length} bytes")
    text = file.read(length)
    if len(text) < length:
        raise _BadArrayError("its header is cut")
    descr, fortran, shape = _parse(text.decode("latin1"))
    return _Header(_dtype(descr), shape, fortran, len(start) + len(raw) + length)


def _parse(text: str) -> tuple[object, bool, tuple[int, ...]]:
    """The three entries of a header, which is a Python dictionary of literals."""
    if any(text.count(c) > _MAX_BRACKETS for c in "([{-+~"):
        raise _BadArrayError("its header is nested too deep")
    try:
        rows = ast.literal_eval(text.strip())
        descr, fortran, shape = rows["descr"], rows["fortran_order"], rows["shape"]
    except (ValueError, SyntaxError, TypeError, KeyError, MemoryError, RecursionError):
        raise _BadArrayError("its header says no type and shape") from None
    whole = isinstance(shape, tuple) and all(type(n) is int and 0 <= n < 1 << 48 for n in shape)
    if not whole or len(shape) > _MAX_DIMENSIONS or not isinstance(fortran, bool):
        raise _BadArrayError("its header has no shape")
    return descr, fortran, shape


def _dtype(descr: object) -> np.dtype[Any]:
    if not isinstance(descr, str) or not _DTYPE.fullmatch(descr):
        raise _BadArrayError("its elements are of a structured type, not numbers")
    try:
        dtype = np.dtype(descr)
    except (TypeError, ValueError):
        raise _BadArrayError(f"its elements are of an unknown type {descr!r}") from None
    if dtype.hasobject:
        raise _BadArrayError("its elements are Python objects (a pickle), not numbers")
    return dtype
