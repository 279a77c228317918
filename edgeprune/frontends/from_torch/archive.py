"""What a ``.pt2`` file says: read as the ZIP, JSON and raw numbers that it is.

``torch.export.load`` unpickles parts of the file (its sample inputs), which an untrusted file must
not be given; nothing that is needed is in a pickle.
"""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgeprune.errors import EdgePruneError, UnsupportedError
from edgeprune.ir import Array

MAX_BYTES = 256 << 20
MAX_JSON_BYTES = 32 << 20
SCHEMA = 8
"""Major version of torch's export schema that is read (torch/_export/serde/schema.py)."""

# numbers of torch's ScalarType in that schema
DTYPES: dict[int, type] = {
    1: np.uint8, 2: np.int8, 3: np.int16, 4: np.int32, 5: np.int64, 6: np.float16, 7: np.float32,
    8: np.float64, 12: np.bool_,
}  # fmt: skip
FLOAT32, TRUTH = 7, 12


@dataclass(frozen=True)
class Program:
    """An exported program.

    Attributes:
        where: how messages call the file.
        graph: the schema's Graph: nodes, inputs, outputs, tensor_values.
        signature: which graph input is a parameter, a buffer, a constant, or the user's.
        tensors: parameters, buffers and constants, by their names in the module.
        names: of the outputs, one behind the other, by the keys that the module gives them with;
            "": it gives them without.
    """

    where: str
    graph: Mapping[str, Any]
    signature: Mapping[str, Any]
    tensors: Mapping[str, Array]
    names: tuple[str, ...]


def read_program(path: Path) -> Program:
    """Read a ``.pt2`` file.

    Raises:
        EdgePruneError: it is none, or is malformed, or was written by another version of PyTorch.
    """
    where = str(path)
    try:
        with zipfile.ZipFile(path) as archive:
            return _Archive(where, archive).program()
    except zipfile.BadZipFile:
        raise EdgePruneError(where, "is no .pt2 file, or is truncated", HINT) from None
    except OSError as e:
        raise EdgePruneError(where, f"cannot be read: {e.strerror or e}") from None
    except EdgePruneError:
        raise
    except Exception as e:  # what zipfile, zlib and json raise for a damaged archive
        what = f"is malformed: {type(e).__name__} {str(e)[:100]}"
        raise EdgePruneError(where, what, HINT) from e


HINT = "torch.export.save(torch.export.export(model.eval(), (example,)), 'model.pt2')"


class _Archive:
    def __init__(self, where: str, archive: zipfile.ZipFile) -> None:
        self.where, self.archive = where, archive
        self.files = {n.split("/", 1)[-1]: n for n in archive.namelist()}
        total = sum(i.file_size for i in archive.infolist())
        if total > MAX_BYTES:
            raise EdgePruneError(where, f"unpacks to {total} bytes, more than {MAX_BYTES}")

    def program(self) -> Program:
        models = [f for f in self.files if f.startswith("models/") and f.endswith(".json")]
        if len(models) != 1:
            raise UnsupportedError(self.where, "holds no exported program in a form that is read",
                                   f"save it with PyTorch 2.9 or newer: {HINT}")  # fmt: skip
        program = self._json(models[0])
        version = program["schema_version"]["major"]
        if version != SCHEMA:
            raise UnsupportedError(
                self.where, f"has schema version {version}; {SCHEMA} is read",
                "save it with another version of PyTorch",
            )  # fmt: skip
        module = program["graph_module"]
        tensors: dict[str, Array] = {}
        for folder in ("weights", "constants"):
            config = f"data/{folder}/model_{folder}_config.json"
            if config in self.files:
                tensors |= self._tensors(folder, self._json(config)["config"])
        names = names_of(_spec_of(module))
        return Program(self.where, module["graph"], module["signature"], tensors, tuple(names))

    def _json(self, name: str) -> Any:
        info = self.archive.getinfo(self.files[name])
        if info.file_size > MAX_JSON_BYTES:
            raise EdgePruneError(self.where, f"{name} has {info.file_size} bytes")
        return json.loads(self.archive.read(info))

    def _tensors(self, folder: str, config: Mapping[str, Any]) -> dict[str, Array]:
        found = {}
        for name, entry in config.items():
            if entry.get("use_pickle") or entry.get("tensor_meta") is None:
                continue  # refused by name if something reads it
            meta = entry["tensor_meta"]
            dtype = DTYPES.get(meta["dtype"])
            if dtype is None:
                continue
            data = self.archive.read(self.files[f"data/{folder}/{entry['path_name']}"])
            found[name] = self._strided(name, np.frombuffer(data, dtype), meta)
        return found

    def _strided(self, name: str, flat: Array, meta: Mapping[str, Any]) -> Array:
        shape = [int(s["as_int"]) for s in meta["sizes"]]
        strides = [int(s["as_int"]) for s in meta["strides"]]
        offset = int(meta["storage_offset"]["as_int"])
        spans = [(n - 1) * s for n, s in zip(shape, strides, strict=True)]
        if min([*shape, *strides, offset], default=0) < 0 or math.prod(shape) > flat.size:
            raise EdgePruneError(f"{self.where}: tensor {name!r}", f"has shape {shape}")
        if math.prod(shape) and offset + sum(spans) >= flat.size:
            raise EdgePruneError(
                f"{self.where}: tensor {name!r}", f"{flat.size} elements do not fill {shape}"
            )
        steps = [s * flat.itemsize for s in strides]
        view = np.lib.stride_tricks.as_strided(flat[offset:], shape, steps)
        return np.ascontiguousarray(view).reshape(shape)


def _spec_of(module: Mapping[str, Any]) -> Mapping[str, Any]:
    """How the outputs of a module are nested, as torch's pytree writes it; a leaf: nothing says."""
    whole: Mapping[str, Any] = next(
        (m for m in module.get("module_call_graph", ()) if m["fqn"] == ""), {}
    )
    said = (whole.get("signature") or {}).get("out_spec")
    spec: Mapping[str, Any] = json.loads(said)[1] if said else {"children_spec": []}
    return spec


def names_of(spec: Mapping[str, Any], name: str = "") -> list[str]:
    """Names of the leaves of a pytree: keys of dictionaries, and fields of classes that have such.

    Args:
        spec: as torch writes it; a leaf has no type.
        name: of what it is in.

    Returns:
        For each leaf the keys on its way, joined by "_"; "" where there are none.
    """
    if spec.get("type") is None and not spec["children_spec"]:
        return [name]
    found = []
    for key, part in zip(_keys(spec), spec["children_spec"], strict=True):
        found += names_of(part, "_".join(filter(None, (name, key))))
    return found


def _keys(spec: Mapping[str, Any]) -> list[str]:
    """What the children of a node are called; "": its context does not say so in words or numbers.

    A dictionary's context is its keys as JSON, as that of other libraries' classes may be; a
    dataclass's has its fields beside those that are None.
    """
    kind, context, count = spec.get("type"), spec.get("context"), len(spec["children_spec"])
    if kind == "collections.defaultdict" and isinstance(context, Mapping):
        keys = context.get("dict_context")
    else:
        keys = _parsed(context)
        is_class = kind not in ("builtins.dict", "collections.OrderedDict")
        if is_class and isinstance(keys, list) and keys and isinstance(keys[0], list):
            keys = keys[0]
    if not isinstance(keys, list) or len(keys) != count:
        return [""] * count
    return [str(key) if isinstance(key, str | int | float) else "" for key in keys]


def _parsed(context: object) -> Any:
    """A context that is JSON; classes may have others."""
    try:
        return json.loads(context) if isinstance(context, str) else None
    except ValueError:
        return None
