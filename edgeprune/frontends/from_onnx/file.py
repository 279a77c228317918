"""From bytes to a checked protobuf: sizes, external data, opset. Everything here is untrusted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import TensorProto, numpy_helper

from edgeprune.errors import EdgePruneError, UnsupportedError
from edgeprune.files import MODEL_BYTES, read_bytes
from edgeprune.ir import Array

OLDEST_OPSET = 7

_DTYPES: dict[int, np.dtype[Any]] = {
    TensorProto.FLOAT: np.dtype(np.float32),
    TensorProto.DOUBLE: np.dtype(np.float64),
    TensorProto.FLOAT16: np.dtype(np.float16),
    TensorProto.INT8: np.dtype(np.int8),
    TensorProto.UINT8: np.dtype(np.uint8),
    TensorProto.INT16: np.dtype(np.int16),
    TensorProto.UINT16: np.dtype(np.uint16),
    TensorProto.INT32: np.dtype(np.int32),
    TensorProto.UINT32: np.dtype(np.uint32),
    TensorProto.INT64: np.dtype(np.int64),
    TensorProto.UINT64: np.dtype(np.uint64),
    TensorProto.BOOL: np.dtype(np.bool_),
}


@dataclass(frozen=True)
class Source:
    """A parsed model.

    Attributes:
        name: how messages call the file.
        folder: where external data may lie; None: nowhere.
        model: the protobuf.
        opset: version of the default operator set.
    """

    name: str
    folder: Path | None
    model: onnx.ModelProto
    opset: int


def open_model(path: Path) -> Source:
    """Read and parse a file.

    Raises:
        EdgePruneError: it cannot be read, is too large, or is no ONNX model.
    """
    return parse_model(read_bytes(path, MODEL_BYTES), str(path), path.parent)


def parse_model(data: bytes, name: str, folder: Path | None) -> Source:
    """Parse a model that is in memory already; see :func:`open_model`."""
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except DecodeError:
        raise EdgePruneError(
            name, "is no ONNX model, or is truncated", "export or download it again"
        ) from None
    if not model.graph.node or not model.graph.output:
        raise EdgePruneError(
            name, "has no operators or no outputs; is it truncated?", "export it again"
        )
    return Source(name, folder, model, _opset(model, name))


def _opset(model: onnx.ModelProto, name: str) -> int:
    newest = onnx.defs.onnx_opset_version()
    versions = [o.version for o in model.opset_import if o.domain in ("", "ai.onnx")]
    if not versions:
        raise EdgePruneError(name, "does not say which operator set it uses", "export it again")
    opset = int(versions[0])
    if not OLDEST_OPSET <= opset <= newest:
        raise UnsupportedError(
            name,
            f"uses operator set {opset}; {OLDEST_OPSET} to {newest} are read",
            f"export with opset_version={min(newest, 18)}",
        )
    return opset


def tensor(source: Source, t: TensorProto) -> Array:
    """A tensor of the model as an array; external data is read from the model's own folder.

    Raises:
        EdgePruneError: sizes that contradict each other, a missing file, a type that is not read.
    """
    where = f"{source.name}: tensor {t.name!r}"
    dtype = _DTYPES.get(t.data_type)
    if dtype is None:
        known = t.data_type in TensorProto.DataType.values()
        kind = TensorProto.DataType.Name(t.data_type) if known else f"number {t.data_type}"
        raise UnsupportedError(where, f"has element type {kind}", "export the model as float32")
    shape = tuple(int(d) for d in t.dims)
    if min(shape, default=0) < 0:
        raise EdgePruneError(where, f"has shape {list(shape)}")
    wanted = dtype.itemsize
    for d in shape:
        wanted *= d
    if wanted > MODEL_BYTES:
        raise EdgePruneError(where, f"has shape {list(shape)}: {wanted} bytes")
    if t.data_location == TensorProto.EXTERNAL:
        data = _external(source, t, where, wanted)
        flat: Array = np.frombuffer(data, dtype.newbyteorder("<")).astype(dtype)
        return flat.reshape(shape)
    try:
        found: Array = np.asarray(numpy_helper.to_array(t))
    except (ValueError, TypeError, IndexError, OverflowError):
        found = np.zeros(0, dtype)
    if found.shape != shape or found.dtype != dtype:
        raise EdgePruneError(
            where, f"its data does not fill its shape {list(shape)}", "export the model again"
        )
    return found


def _external(source: Source, t: TensorProto, where: str, wanted: int) -> bytes:
    entries = {e.key: e.value for e in t.external_data}
    location = str(entries.get("location", ""))
    if source.folder is None:
        raise EdgePruneError(where, "is in another file", "load the model from its path")
    root: Path = source.folder.resolve()
    try:
        path: Path = (root / location).resolve()
        offset = int(entries.get("offset", "0"))
        length = int(entries.get("length", str(wanted)))
    except (ValueError, OSError, RuntimeError):
        raise EdgePruneError(where, f"its place {location!r} makes no sense") from None
    if not location or not path.is_relative_to(root) or path == root:
        raise EdgePruneError(
            where, f"is in {location!r}, outside the model's folder", "move it beside the model"
        )
    try:
        size = int(path.stat().st_size)
        if offset < 0 or length != wanted or offset + length > size or not path.is_file():
            raise EdgePruneError(
                where,
                f"needs {wanted} bytes; the file says {length} from byte {offset} of {location!r}, "
                f"which has {size}",
                "export the model again",
            )
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(length)
    except OSError as e:
        raise EdgePruneError(
            where,
            f"is in {location!r}, which cannot be read: {e.strerror}",
            "keep the data file beside the model",
        ) from None
