"""Data files in: ``.npz`` with ``x`` and optionally ``y``, or a folder of ``.npy`` files."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path

import numpy as np

from edgeprune.errors import EdgePruneError
from edgeprune.ir import Array, Graph, Samples, dequantise_array

MAX_BYTES = 8 << 30
HINT = "an .npz with x (n, input shape) and, optional, y (n,) integer labels; or a folder of .npy"


def load_samples(path: Path, graph: Graph) -> Samples:
    """Read samples for a model.

    Args:
        path: ``.npz``, or a folder with ``x.npy`` and ``y.npy``, or with one ``.npy`` a sample.
            Integers of a quantised model's own input type are taken as they are; other numbers
            are real values.
        graph: the model, with one input; its port says which layout the user's data has.

    Returns:
        Samples in the IR's layout: x float32 (n, *input shape), y int64 (n,) or None.

    Raises:
        EdgePruneError: no such file, a wrong shape or type, labels out of range, NaN.
    """
    where = str(path)
    x, y = _read(path)
    if x.dtype == object or x.dtype.kind not in "fiub":
        raise EdgePruneError(f"{where}: x", f"has elements of type {x.dtype}, not numbers", HINT)
    x = to_ir_layout(x, graph, f"{where}: x")
    if len(x) == 0:
        raise EdgePruneError(f"{where}: x", "holds no sample", HINT)
    t = graph.types[graph.inputs[0]]
    if t.quant is not None and x.dtype == t.dtype.numpy:
        x = dequantise_array(x, t)  # samples in the model's own integers
    x = np.ascontiguousarray(x, np.float32)
    bad = ~np.isfinite(x.reshape(len(x), -1)).all(axis=1)
    if bad.any():
        raise EdgePruneError(
            f"{where}: x", f"sample {int(np.argmax(bad))} has a NaN or an infinity"
        )
    return Samples(x, None if y is None else _labels(y, len(x), graph, f"{where}: y"))


def to_ir_layout(x: Array, graph: Graph, where: str) -> Array:
    """User's samples in the IR's axis order: their own shape first, else the IR's.

    Raises:
        EdgePruneError: neither fits.
    """
    value = graph.inputs[0]
    shape = graph.types[value].shape
    port = graph.ports.get(value)
    if port is not None:
        own = port.shape[1:] if port.batched else port.shape
        if x.shape[1:] == (1, *own) and x.shape[1:] != own:
            x = x[:, 0]
        if x.shape[1:] == own and math.prod(own) == math.prod(shape):
            if port.perm is None:
                return x.reshape(len(x), *shape)
            back = np.argsort(port.perm)
            return x.transpose(0, *(int(i) + 1 for i in back))
    if x.shape[1:] == shape:
        return x
    if x.ndim >= 1 and math.prod(x.shape[1:]) == math.prod(shape) and len(shape) == 1:
        return x.reshape(len(x), *shape)
    wanted = port.shape[1:] if port is not None and port.batched else shape
    raise EdgePruneError(
        where, f"has shape {list(x.shape)}, the model takes (n, {', '.join(map(str, wanted))})"
    )


def _labels(y: Array, n: int, graph: Graph, where: str) -> Array:
    if y.dtype.kind not in "iu":
        raise EdgePruneError(where, f"has elements of type {y.dtype}, not integers", HINT)
    if y.shape != (n,):
        raise EdgePruneError(where, f"has shape {list(y.shape)}, but there are {n} samples", HINT)
    classes = max(graph.types[graph.outputs[0]].size, 2)
    low, high = int(y.min()), int(y.max())
    if low < 0 or high >= classes:
        raise EdgePruneError(
            where,
            f"labels run from {low} to {high}, the model has {classes} outputs (0 to "
            f"{classes - 1})",
        )
    return y.astype(np.int64)


def _read(path: Path) -> tuple[Array, Array | None]:
    where = str(path)
    if path.is_dir():
        return _read_folder(path)
    if not path.exists():
        raise EdgePruneError(where, "there is no such file", HINT)
    if path.suffix == ".npy":
        return _load_array(path), None
    try:
        with zipfile.ZipFile(path) as z:
            total = sum(i.file_size for i in z.infolist())
        if total > MAX_BYTES:
            raise EdgePruneError(where, f"unpacks to {total} bytes, more than {MAX_BYTES}")
        with np.load(path, allow_pickle=False) as file:
            if "x" not in file:
                raise EdgePruneError(where, f"has {sorted(file.files)}, but no x", HINT)
            return file["x"], file.get("y")
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise EdgePruneError(where, f"cannot be read: {error}", HINT) from None


def _load_array(path: Path) -> Array:
    try:
        a: Array = np.load(path, allow_pickle=False, mmap_mode="r")
    except (OSError, ValueError, EOFError) as error:
        raise EdgePruneError(str(path), f"cannot be read: {error}", HINT) from None
    return a


def _read_folder(path: Path) -> tuple[Array, Array | None]:
    files = sorted(path.glob("*.npy"))
    if not files:
        raise EdgePruneError(str(path), "has no .npy file", HINT)
    names = {f.stem: f for f in files}
    if "x" in names:
        return _load_array(names["x"]), _load_array(names["y"]) if "y" in names else None
    arrays = [_load_array(f) for f in files]
    shapes = {a.shape for a in arrays}
    if len(shapes) > 1:
        raise EdgePruneError(str(path), f"its .npy files differ in shape: {sorted(shapes)[:3]}")
    return np.stack(arrays), None
