"""Data files in: ``.npz`` with ``x`` and optionally ``y``, folders of ``.npy`` or of pictures."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from edgeprune.arrays import MAX_BYTES, load_npz, map_npy, names_in
from edgeprune.errors import EdgePruneError
from edgeprune.frontends.layout import reals, to_ir_layout
from edgeprune.frontends.pictures import classes_of, read_classes
from edgeprune.frontends.wanted import as_labels, wanted
from edgeprune.ir import Array, DType, Graph, Samples, Told, dequantise_array, join_rows
from edgeprune.ops.audio import is_sound
from edgeprune.ops.embedding import rows_of

HINT = (
    "an .npz with x (n, input shape) and, optional, y (n,) integer labels or y (n, output shape) "
    "numbers; or a folder of .npy; or a folder of pictures for each class"
)


def load_samples(
    path: Path, graph: Graph, *, told: Told | None = None, notes: list[str] | None = None
) -> Samples:
    """Read samples for a model.

    Args:
        path: ``.npz``, or a folder with ``x.npy`` and ``y.npy``, or with one ``.npy`` a sample.
            Integers of a quantised model's own input type are taken as they are; other numbers
            are real values. ``x`` may be called as the model calls its input, and is looked for
            first. A model of several inputs wants an array for each, by the input's name, or x0,
            x1, ... in their order; ``y``, or what is called as the model's output, is what the
            model should answer (:mod:`edgeprune.frontends.wanted`) where no input is called so.
            Or a folder of folders of pictures, one for each class in the order of their names:
            bytes, in the size that the model takes.
        graph: the model; its ports say which layout the user's data has.
        told: what ``y`` was in data of the same origin; None: it is read by itself.
        notes: takes what has to be said of the data.

    Returns:
        Samples in the IR's layout: x float32 (n, *input shape) or, for several inputs, rows of
        all (:mod:`edgeprune.ir.rows`).

    Raises:
        EdgePruneError: no such file, a wrong shape or type, labels out of range, NaN.
    """
    where = str(path)
    arrays, told_by = _read(path, graph)
    label, y = told_by or ("y", None)
    if told_by is None and notes is not None and len(graph.results) == 1:
        notes += _unread(path, graph, [name for name, _ in arrays])
    values = zip(graph.arguments, arrays, strict=True)
    xs = [_values(x, graph, v, f"{where}: {name}") for v, (name, x) in values]
    if len({len(x) for x in xs}) > 1:
        counts = ", ".join(f"{len(x)} of {name}" for x, (name, _) in zip(xs, arrays, strict=True))
        raise EdgePruneError(where, f"has unlike numbers of samples: {counts}", HINT)
    if y is not None and len(graph.results) > 1:
        raise EdgePruneError(
            f"{where}: {label}",
            f"labels say nothing about a model with {len(graph.results)} outputs",
            f"leave {label} out: the model's own answers are the reference then",
        )
    x = join_rows(xs)
    is_bytes = all(a.dtype == np.uint8 for _, a in arrays)
    if y is None:
        return Samples(x, None, is_bytes)
    return Samples(x, bytes=is_bytes, **wanted(y, len(x), graph, f"{where}: {label}", told=told))


def _values(x: Array, graph: Graph, v: str, where: str) -> Array:
    """Samples of one input, real values in the IR's layout."""
    if x.dtype == object or x.dtype.kind not in "fiub":
        raise EdgePruneError(where, f"has elements of type {x.dtype}, not numbers", HINT)
    x = to_ir_layout(x, graph, v, where)
    if len(x) == 0:
        raise EdgePruneError(where, "holds no sample", HINT)
    t, port = graph.types[v], graph.ports.get(v)
    if t.quant is not None and port is not None and port.dtype is DType.UINT8 and x.dtype == "u1":
        x = (x.astype(np.int16) - 128).astype(np.int8)  # the IR has bytes as int8
    if t.quant is not None and x.dtype == t.dtype.numpy:
        x = dequantise_array(x, t)  # samples in the model's own integers
    if t.is_index:
        _check_numbers(x, rows_of(graph, v), where)
    x = reals(x, where)
    if is_sound(graph, v) and ((x != np.rint(x)) | (np.abs(x + 0.5) > 32768)).any():
        what = "samples of sound are whole numbers from -32,768 to 32,767"
        raise EdgePruneError(where, what, "of samples from -1 to 1: np.rint(x * 32767)")
    return x


def _check_numbers(x: Array, rows: int, where: str) -> None:
    """That samples are numbers of rows.

    Raises:
        EdgePruneError: one is not.
    """
    good = np.isfinite(x) & (x >= 0) & (x < rows) & (x == np.floor(x))
    bad = ~good.reshape(len(x), -1).all(axis=1)
    if bad.any():
        i = int(np.argmax(bad))
        what = f"sample {i} has {x[i][~good[i]].ravel()[0]}, the model's table has {rows} rows"
        raise EdgePruneError(where, what, f"give whole numbers from 0 to {rows - 1}")


Named = tuple[str, Array]


def _read(path: Path, graph: Graph) -> tuple[list[Named], Named | None]:
    """The array of every input with its name in the data, and the labels with theirs."""
    if path.is_dir():
        return _read_folder(path, graph)
    if path.suffix == ".npy" and len(graph.arguments) == 1:
        return [("x", map_npy(path, HINT))], None
    found = names_in(path, HINT)
    names = _names(graph, found, str(path))
    label = _label_in(graph, found, names)
    arrays = load_npz(path, [*names, *([label] if label else [])], HINT)
    return [(k, arrays[k]) for k in names], (label, arrays[label]) if label else None


def _unread(path: Path, graph: Graph, read: Collection[str]) -> list[str]:
    """That arrays are not read, where there is no ``y``: they may be answers of another name."""
    found = [] if path.is_dir() or path.suffix == ".npy" else names_in(path, HINT)
    left = sorted(set(found) - set(read))
    if not left:
        return []
    called = " or ".join(dict.fromkeys(("y", graph.said(graph.results[0]))))
    return [f"{', '.join(left)}: not read, as answers are called {called}"]


def _label_in(graph: Graph, found: Collection[str], names: Sequence[str]) -> str | None:
    """What the labels are called, y or as the output; inputs may be called so too."""
    called = ("y", *map(graph.said, graph.results))
    return next((k for k in called if k in found and k not in names), None)


def _names(graph: Graph, found: Sequence[str], where: str) -> list[str]:
    """What the data calls the model's inputs.

    Raises:
        EdgePruneError: an input has no array.
    """
    own = [graph.said(v) for v in graph.arguments]
    numbered = [f"x{i}" for i in range(len(own))]
    for names in (["x"], own) if len(own) == 1 else (own, numbered):
        if set(names) <= set(found):
            return names
    if len(own) == 1:
        raise EdgePruneError(
            where, f"has {sorted(found)}, but no {' and no '.join({'x': 0, own[0]: 0})}", HINT
        )
    raise EdgePruneError(
        where,
        f"has {sorted(found)}, but the model has the inputs {', '.join(own)}",
        f"an .npz with an array for each: {', '.join(own)}; or {', '.join(numbered)}",
    )


def _read_folder(path: Path, graph: Graph) -> tuple[list[Named], Named | None]:
    files = sorted(path.glob("*.npy"))
    if not files:
        if classes_of(path) and len(graph.inputs) == 1:
            return _read_pictures(path, graph)
        raise EdgePruneError(str(path), "has no .npy file", HINT)
    names = {f.stem: f for f in files}
    called = {"x", *map(graph.said, graph.arguments)}
    if called.intersection(names) or len(graph.arguments) > 1:
        arrays = [(k, map_npy(names[k], HINT)) for k in _names(graph, list(names), str(path))]
        label = _label_in(graph, names, [k for k, _ in arrays])
        return arrays, (label, map_npy(names[label], HINT)) if label else None
    samples = [map_npy(f, HINT) for f in files]
    kinds = {(a.shape, a.dtype.str) for a in samples}
    if len(kinds) > 1:
        shown = ", ".join(f"{list(s)} of {d}" for s, d in sorted(kinds)[:3])
        raise EdgePruneError(str(path), f"its .npy files differ in shape or type: {shown}")
    total = sum(a.nbytes for a in samples)
    if total > MAX_BYTES:
        raise EdgePruneError(str(path), f"holds {total} bytes, more than {MAX_BYTES}")
    return [("x", np.stack(samples))], None


def _read_pictures(path: Path, graph: Graph) -> tuple[list[Named], Named]:
    """Pictures in the layout of the user's model; in int8 as its own integers, byte - 128."""
    v = graph.inputs[0]
    t, port = graph.types[v], graph.ports.get(v)
    x, y = read_classes(path, t.shape)
    as_labels(y, len(x), graph, f"{path}: y")
    if (
        t.quant is not None
        and t.dtype is DType.INT8
        and (port is None or port.dtype is not DType.UINT8)
    ):
        x = (x.astype(np.int16) - 128).astype(np.int8)
    if port is not None and port.perm is not None:
        x = x.transpose(0, *(i + 1 for i in port.perm))
    return [("x", x)], ("y", y)
