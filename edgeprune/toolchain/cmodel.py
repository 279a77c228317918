"""The generated C of a model, as its ``manifest.json`` describes it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import Annotated, NotRequired, TypedDict

from edgeprune.errors import EdgePruneError
from edgeprune.files import read_json
from edgeprune.schema import Range, checked

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,127}")
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}")
_ITEM_BYTES = {"int8": 1, "int16": 2, "int32": 4, "float32": 4}
C_TYPES = {"int8": "int8_t", "int16": "int16_t", "int32": "int32_t", "float32": "float"}
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
    layers: NotRequired[list[str]]
    input_parts: NotRequired[_Dims]
    output_parts: NotRequired[_Dims]
    state_bytes: NotRequired[Annotated[int, Range(1, 1 << 32)]]
    feed_bytes: NotRequired[Annotated[int, Range(1, 1 << 32)]]


@dataclass(frozen=True)
class CModel:
    """A folder of generated C: a model's header and source, and the runtime files it uses."""

    folder: Path
    name: str  # a C identifier: <name>.h declares <name>_run
    prefix: str  # of its macros: <PREFIX>_ARENA_BYTES
    sources: tuple[str, ...]  # file names in the folder, .c and .S
    input_dtype: str
    output_dtype: str
    input_shape: tuple[int, ...]  # of several inputs: of a row of all of them
    output_shape: tuple[int, ...]
    arena_bytes: int
    layers: tuple[str, ...] = ()  # the user's names, in the order of the EP_PROFILE marks
    input_parts: tuple[int, ...] = ()  # elements of each, where there are several
    output_parts: tuple[int, ...] = ()
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
            f"{word} + {start}"
            for word, parts in (("input", self.input_parts), ("output", self.output_parts))
            for start in (0, *accumulate(parts[:-1]))
        ]
        types = [C_TYPES[t] for t in (self.input_dtype, self.output_dtype)]
        start = f"int {name}(void *arena, size_t arena_bytes, "
        head = f"{start}const {types[0]} *input, {types[1]} *output)"
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
            outputs = ", ".join(a for a in arguments if a.startswith("output"))
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
        is_one = max(len(self.input_parts), len(self.output_parts)) < 2
        return is_one and not self.state_bytes and not self.is_fed

    @property
    def input_bytes(self) -> int:
        """Bytes of one input."""
        return math.prod(self.input_shape) * _ITEM_BYTES[self.input_dtype]

    @property
    def output_bytes(self) -> int:
        """Bytes of one output."""
        return math.prod(self.output_shape) * _ITEM_BYTES[self.output_dtype]


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
    return CModel(
        folder=folder,
        name=_matching(_IDENTIFIER, rows["name"]),
        prefix=_matching(_IDENTIFIER, rows["prefix"]),
        sources=tuple(_matching(_FILE_NAME, s) for s in rows["sources"]),
        input_dtype=_dtype(rows.get("input_dtype", dtype)),
        output_dtype=_dtype(rows.get("output_dtype", dtype)),
        input_shape=_shape(rows["input_shape"]),
        output_shape=_shape(rows["output_shape"]),
        arena_bytes=rows["arena_bytes"],
        layers=tuple(rows.get("layers", ())),
        input_parts=_parts(rows.get("input_parts", []), rows["input_shape"]),
        output_parts=_parts(rows.get("output_parts", []), rows["output_shape"]),
        state_bytes=rows.get("state_bytes", 0),
        feed_bytes=rows.get("feed_bytes", 0),
    )


def _matching(pattern: re.Pattern[str], text: str) -> str:
    if not isinstance(text, str) or not pattern.fullmatch(text):
        raise ValueError(f"{text!r} cannot be used as a name")
    return text


def _dtype(name: str) -> str:
    if name not in _ITEM_BYTES:
        raise ValueError(f"{name!r} is not one of {sorted(_ITEM_BYTES)}")
    return name


def _shape(dims: list[int]) -> tuple[int, ...]:
    if math.prod(dims) > _MAX_ELEMENTS:
        raise ValueError(f"{dims!r} has more than {_MAX_ELEMENTS} elements")
    return tuple(dims)


def _parts(sizes: list[int], shape: list[int]) -> tuple[int, ...]:
    if sizes and sum(sizes) != math.prod(shape):
        raise ValueError(f"{sizes!r} are no parts of {shape!r}")
    return tuple(sizes)
