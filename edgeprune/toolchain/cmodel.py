"""The generated C of a model, as its ``manifest.json`` describes it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import Annotated, Any, NotRequired, TypedDict

import numpy as np

from edgeprune.errors import EdgePruneError
from edgeprune.files import read_json
from edgeprune.ir import Array
from edgeprune.schema import Range, checked

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,127}")
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}")
C_TYPES = {"int8": "int8_t", "int16": "int16_t", "int32": "int32_t", "float32": "float"}
_WORD = 4  # bytes: where values of unlike types begin
_MAX_MANIFEST_BYTES = 1 << 22
_MAX_ELEMENTS = 1 << 28  # of an input or output


_Dims = list[Annotated[int, Range(1, 1 << 24)]]


class _Manifest(TypedDict):
    name: str
    prefix: str
    sources: list[str]
    input_shape: _Dims
    output_shape: _Dims
    arena_bytes: Annotated[int, Range(0, 1 << 32)]
    dtype: NotRequired[str]
    input_dtype: NotRequired[str]
    output_dtype: NotRequired[str]
    input_dtypes: NotRequired[list[str]]
    output_dtypes: NotRequired[list[str]]
    layers: NotRequired[list[str]]
    marks: NotRequired[list[Annotated[int, Range(0, 1 << 24)]]]
    input_parts: NotRequired[_Dims]
    output_parts: NotRequired[_Dims]
    state_bytes: NotRequired[Annotated[int, Range(1, 1 << 32)]]
    feed_bytes: NotRequired[Annotated[int, Range(1, 1 << 32)]]


@dataclass(frozen=True)
class Rows:
    """What goes into a call, or comes out of it: its values flat, one behind the other.

    Attributes:
        shape: of the value; of several values of a row of all of them.
        dtypes: the element type of each value; one for all where they are alike.
        sizes: elements of each value, where there are several.
    """

    shape: tuple[int, ...]
    dtypes: tuple[str, ...]
    sizes: tuple[int, ...] = ()

    @property
    def dtype(self) -> np.dtype[Any]:
        """The element type of rows as arrays: the one that holds all values exactly."""
        return np.result_type(*self.dtypes)

    @property
    def c_type(self) -> str:
        """The element type in C of a row: that of its values, or words where they are unlike."""
        return C_TYPES[self.dtypes[0]] if len(self.dtypes) == 1 else C_TYPES["int32"]

    @property
    def _spans(self) -> list[tuple[np.dtype[Any], int, int]]:
        """Type, elements and first byte of each value."""
        spans, at = [], 0
        for dtype, size in zip(self.dtypes, self.sizes, strict=True):
            spans.append((np.dtype(dtype), size, at))
            at += -(-size * np.dtype(dtype).itemsize // _WORD) * _WORD
        return spans

    @property
    def nbytes(self) -> int:
        """Bytes of a row."""
        if len(self.dtypes) == 1:
            return math.prod(self.shape) * self.dtype.itemsize
        dtype, size, at = self._spans[-1]
        return at + -(-size * dtype.itemsize // _WORD) * _WORD

    def arguments(self, row: str, *, const: bool) -> list[str]:
        """Pointers in C to each of the values of a row."""
        if len(self.dtypes) == 1:
            return [f"{row} + {at}" for at in (0, *accumulate(self.sizes[:-1]))]
        space = "const " if const else ""
        return [
            f"({space}{C_TYPES[dtype.name]} *)({space}void *)({row} + {at // _WORD})"
            for dtype, _, at in self._spans
        ]

    def pack(self, x: Array) -> bytes:
        """Rows as they lie in memory.

        Args:
            x: (n, *shape), of ``dtype``.
        """
        if len(self.dtypes) == 1:
            return np.ascontiguousarray(x, self.dtype.newbyteorder("<")).tobytes()
        made = np.zeros((len(x), self.nbytes), np.uint8)
        parts = np.split(x.reshape(len(x), -1), np.cumsum(self.sizes)[:-1], axis=1)
        for part, (dtype, _, at) in zip(parts, self._spans, strict=True):
            raw = np.ascontiguousarray(part, dtype.newbyteorder("<")).view(np.uint8)
            made[:, at : at + raw.shape[1]] = raw
        return made.tobytes()

    def unpack(self, data: bytes) -> Array:
        """The opposite of :meth:`pack`: (n, *shape), of ``dtype``."""
        if len(self.dtypes) == 1:
            found = np.frombuffer(data, self.dtype.newbyteorder("<"))
            return found.astype(self.dtype).reshape(-1, *self.shape)
        raw = np.frombuffer(data, np.uint8).reshape(-1, self.nbytes)
        parts = [
            np.ascontiguousarray(raw[:, at : at + size * dtype.itemsize])
            .view(dtype.newbyteorder("<"))
            .astype(self.dtype)
            for dtype, size, at in self._spans
        ]
        return np.concatenate(parts, axis=1).reshape(-1, *self.shape)


@dataclass(frozen=True)
class CModel:
    """A folder of generated C: a model's header and source, and the runtime files it uses."""

    folder: Path
    name: str  # a C identifier: <name>.h declares <name>_run
    prefix: str  # of its macros: <PREFIX>_ARENA_BYTES
    sources: tuple[str, ...]  # file names in the folder, .c and .S
    inputs: Rows
    outputs: Rows
    arena_bytes: int
    layers: tuple[str, ...] = ()  # the user's names, in the order of the EP_PROFILE marks
    marks: tuple[int, ...] = ()  # of each layer, the mark that it runs under where it has none
    state_bytes: int = 0  # kept from call to call; 0: nothing is
    feed_bytes: int = 0  # of the arena more, where the input comes row by row; 0: it does not
    is_fed: bool = False  # whether it does

    @property
    def header(self) -> str:
        """File name of the model's header."""
        return f"{self.name}.h"

    @property
    def entry(self) -> str:
        """C symbol of the model's entry point, or of the first where the input comes row by row."""
        return f"{self.name}_begin" if self.is_fed else f"{self.name}_run"

    @property
    def fed(self) -> CModel | None:
        """The same model with an input that comes row by row; None where it cannot."""
        more = self.arena_bytes + self.feed_bytes
        return replace(self, is_fed=True, arena_bytes=more) if self.feed_bytes else None

    def rows_function(self, name: str) -> str:
        """C of a function that takes and gives rows: ``name(arena, arena_bytes, input, output)``.

        Rows are inputs, and outputs, flat and one behind the other. A state that the model keeps
        begins with the first call, and again after ``ep_model_restart()``.
        """
        arguments = [
            *self.inputs.arguments("input", const=True),
            *self.outputs.arguments("output", const=False),
        ]
        start = f"int {name}(void *arena, size_t arena_bytes, "
        head = f"{start}const {self.inputs.c_type} *input, {self.outputs.c_type} *output)"
        kept, begin, lead = "", "", ""
        if self.state_bytes:
            lead = "&state, "
            kept = (
                f"static {self.name}_state state;\nstatic int begun;\n"
                "void ep_model_restart(void);\n"
                "void ep_model_restart(void)\n{\n    begun = 0;\n}\n"
            )
            begin = (
                f"    if (!begun) {{\n        {self.name}_reset(&state);\n"
                "        begun = 1;\n    }\n"
            )
        call = f"{self.entry}({lead}arena, arena_bytes, {', '.join(arguments)})"
        body = f"{begin}    return (int){call};\n"
        if self.is_fed:
            outputs = ", ".join(self.outputs.arguments("output", const=False))
            body = (
                f"    ep_status status = {self.entry}(arena, arena_bytes);\n"
                f"    for (int row = 0; row < {self.prefix}_FEED_ROWS; row++) {{\n"
                f"        {self.name}_feed_rows(arena, input, 1);\n"
                f"        input += {self.prefix}_FEED_ROW_LEN;\n    }}\n"
                f"    if (status == EP_OK) {{\n"
                f"        status = {self.name}_end(arena, {outputs});\n    }}\n"
                "    return (int)status;\n"
            )
        return f'#include "{self.header}"\n{kept}{head};\n{head}\n{{\n{body}}}\n'

    @property
    def is_plain(self) -> bool:
        """Whether the entry point itself takes and gives rows: one input, one output, no state."""
        several = max(len(self.inputs.sizes), len(self.outputs.sizes)) > 1
        return not several and not self.state_bytes and not self.is_fed


def read_model(folder: Path) -> CModel:
    """Read the manifest of a folder of generated C.

    Raises:
        EdgePruneError: the manifest is missing or wrong, or a file that it names is.
    """
    path = folder / "manifest.json"
    rows = checked(read_json(path, _MAX_MANIFEST_BYTES), _Manifest, str(path))
    try:
        model = _from_rows(folder, rows)
    except ValueError as error:
        raise EdgePruneError(str(path), f"is not a manifest of generated C: {error}") from None
    files = [folder / f for f in (model.header, *model.sources)]
    missing = [f.name for f in files if f.is_symlink() or not f.is_file()]
    if missing:
        raise EdgePruneError(str(path), f"names files that the folder lacks: {', '.join(missing)}")
    return model


def _from_rows(folder: Path, rows: _Manifest) -> CModel:
    dtype = rows.get("dtype", "int8")
    layers = rows.get("layers", [])
    return CModel(
        folder=folder,
        name=_matching(_IDENTIFIER, rows["name"]),
        prefix=_matching(_IDENTIFIER, rows["prefix"]),
        sources=tuple(_matching(_FILE_NAME, s) for s in rows["sources"]),
        inputs=_rows(
            rows["input_shape"],
            rows.get("input_dtypes", [rows.get("input_dtype", dtype)]),
            rows.get("input_parts", []),
        ),
        outputs=_rows(
            rows["output_shape"],
            rows.get("output_dtypes", [rows.get("output_dtype", dtype)]),
            rows.get("output_parts", []),
        ),
        arena_bytes=rows["arena_bytes"],
        layers=tuple(layers),
        marks=_marks(rows.get("marks", list(range(len(layers)))), len(layers)),
        state_bytes=rows.get("state_bytes", 0),
        feed_bytes=rows.get("feed_bytes", 0),
    )


def _marks(marks: list[int], layers: int) -> tuple[int, ...]:
    if len(marks) != layers or any(mark > i for i, mark in enumerate(marks)):
        raise ValueError(f"{marks!r} are no marks of {layers} layers, each its own or one before")
    return tuple(marks)


def _matching(pattern: re.Pattern[str], text: str) -> str:
    if not isinstance(text, str) or not pattern.fullmatch(text):
        raise ValueError(f"{text!r} cannot be used as a name")
    return text


def _rows(dims: list[int], dtypes: list[str], sizes: list[int]) -> Rows:
    unknown = [d for d in dtypes if d not in C_TYPES]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is not one of {sorted(C_TYPES)}")
    if math.prod(dims) > _MAX_ELEMENTS:
        raise ValueError(f"{dims!r} has more than {_MAX_ELEMENTS} elements")
    if sizes and sum(sizes) != math.prod(dims):
        raise ValueError(f"{sizes!r} are no parts of {dims!r}")
    if len(dtypes) not in (1, max(len(sizes), 1)):
        raise ValueError(f"{dtypes!r} are no types of {len(sizes)} parts")
    return Rows(tuple(dims), tuple(dtypes), tuple(sizes))
