"""ONNX and ORT files under ONNX Runtime, graph optimisations off."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import numpy as np

from edgeprune.emit.to_onnx import METADATA
from edgeprune.environment import UNTOLD, unless_set
from edgeprune.errors import EdgePruneError
from edgeprune.files import parse_json
from edgeprune.ir import (
    Array,
    DType,
    Graph,
    QuantParams,
    TensorType,
    fed,
    join_rows,
    real,
    split_rows,
)
from edgeprune.ir import dequantise_array as dequantise
from edgeprune.ir import quantise_array as quantise
from edgeprune.schema import Range, checked
from edgeprune.verify._onnx_batches import with_free_batch

FIRST = 16
"""Samples that are run one by one before many are run at once."""
BATCH = 64
"""Samples that are then run at once."""


class _Side(TypedDict):
    """How an input or output of the file relates to that of the C."""

    shape: Annotated[list[Annotated[int, Range(1, 1 << 24)]], Range(0, 8)]
    dtype: Literal["float32", "int8", "uint8", "int16", "int32"]
    perm: list[int]
    scale: NotRequired[Annotated[float, Range(1e-38, 1e38)]]
    zero_point: NotRequired[Annotated[int, Range(-(1 << 15), 1 << 15)]]
    next: NotRequired[Annotated[int, Range(0, 1 << 16)]]
    first: NotRequired[list[float]]


class _Relation(TypedDict):
    inputs: list[_Side]
    outputs: list[_Side]


def session(content: bytes) -> Any:
    """A model in ONNX Runtime: one thread, no graph optimisation.

    Raises:
        EdgePruneError: ONNX Runtime does not take the file.
    """
    with unless_set(UNTOLD):
        import onnxruntime as ort

    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as e:  # noqa: BLE001  ONNX Runtime's own errors share no base class
        raise EdgePruneError("model.onnx", f"ONNX Runtime does not take it: {e}") from None


def run(
    content: bytes, graph: Graph, x: Array, *, progress: Callable[[int], None] | None = None
) -> Array:
    """What an emitted model answers, in real values.

    Args:
        content: what ``emit`` made of ``graph``.
        graph: the network.
        x: samples in the IR's layout, (n, *shape), float32; for several inputs rows.
        progress: called with the number of samples done since the last call.

    Returns:
        (n, *output shape), float32, in the IR's layout; of several outputs rows.
    """
    return real(graph, run_raw(content, fed(graph, x.astype(np.float32)), progress=progress))


def run_raw(
    content: bytes, inputs: Array, *, progress: Callable[[int], None] | None = None
) -> Array:
    """What an emitted model answers, as the C and the ``.tflite`` do.

    The file says in its metadata how its own inputs and outputs relate to theirs (order of axes,
    scale, zero point), and which inputs have, in each call, what an output had in the last one.

    Args:
        content: an ``.onnx`` or ``.ort`` file that edgeprune wrote.
        inputs: samples as the C takes them: channels last, (n, *shape), integers where the model
            is quantised; for several inputs rows (:mod:`edgeprune.ir.rows`).
        progress: called with the number of samples done since the last call.

    Returns:
        (n, *output shape), channels last, integers where the model is quantised; of several
        outputs rows.

    Raises:
        EdgePruneError: the file was not written by edgeprune, or ONNX Runtime does not take it.
    """
    model = session(content)
    relation = _relation(model)
    given = [
        (row, v)
        for row, v in zip(relation["inputs"], model.get_inputs(), strict=True)
        if "next" not in row
    ]
    parts = split_rows(inputs, [_type(row) for row, _ in given])
    feeds = {v.name: _to_user(x, row, v) for x, (row, v) in zip(parts, given, strict=True)}
    if len(given) < len(relation["inputs"]):
        made = _in_turn(model, relation, feeds, progress or (lambda n: None))
    else:
        made = _answers(content, model, feeds, progress or (lambda n: None))
    kept = {row.get("next") for row in relation["inputs"]}
    results = [row for k, row in enumerate(relation["outputs"]) if k not in kept]
    return join_rows(list(map(_from_user, made, results)))


def _in_turn(
    model: Any, relation: _Relation, feeds: dict[str, Array], progress: Callable[[int], None]
) -> list[Array]:
    """What a file that keeps something answers, call after call; as :func:`_answers`, of results.

    Integers and layouts of what is kept are the file's own: an output is the next call's input.
    """
    names = [v.name for v in model.get_inputs()]
    rows = zip(names, relation["inputs"], model.get_inputs(), strict=True)
    kept = {row["next"]: (name, row, v) for name, row, v in rows if "next" in row}
    held = {
        name: _to_user(np.asarray(row["first"], _type(row).dtype.numpy), row, v)[0]
        for name, row, v in kept.values()
    }
    done = []
    for i in range(len(next(iter(feeds.values())))):
        made = model.run(None, {**held, **{k: x[i] for k, x in feeds.items()}})
        held = {kept[k][0]: y for k, y in enumerate(made) if k in kept}
        done.append([y.ravel() for k, y in enumerate(made) if k not in kept])
        progress(1)
    return _joined(done)


def _answers(
    content: bytes, model: Any, feeds: dict[str, Array], progress: Callable[[int], None]
) -> list[Array]:
    """What a file answers: sample by sample, or many at once where that gives the same.

    Args:
        content: the file.
        model: its session.
        feeds: by input, (n, *shape in the file).
        progress: called with the number of samples done since the last call.

    Returns:
        By output all elements of all samples, flat.
    """
    count = len(next(iter(feeds.values())))
    done = []
    for i in range(min(FIRST, count)):
        done.append(_run(model, {k: x[i] for k, x in feeds.items()}))
        progress(1)
    many = _for_many(content, feeds, _joined(done)) if count > FIRST else None
    if many is not None:
        for i in range(FIRST, count, BATCH):
            done.append(_run(many, _rows(feeds, i, i + BATCH)))
            progress(min(BATCH, count - i))
    else:
        for i in range(FIRST, count):
            done.append(_run(model, {k: x[i] for k, x in feeds.items()}))
            progress(1)
    return _joined(done)


def _for_many(content: bytes, feeds: dict[str, Array], wanted: list[Array]) -> Any:
    """A session that takes many samples at once, if it answers the first ones bit for bit so."""
    free = with_free_batch(content)
    if free is None:
        return None
    try:
        many = session(free)
        found = _run(many, _rows(feeds, 0, FIRST))
    except Exception:  # noqa: BLE001  ONNX Runtime's own errors share no base class
        return None  # a step takes one sample only
    return many if all(map(np.array_equal, found, wanted)) else None


def _run(model: Any, feed: dict[str, Array]) -> list[Array]:
    return [y.ravel() for y in model.run(None, feed)]


def _rows(feeds: dict[str, Array], start: int, end: int) -> dict[str, Array]:
    """Samples behind each other on the axis of the batch."""
    return {k: np.concatenate(x[start:end]) for k, x in feeds.items()}


def _joined(parts: list[list[Array]]) -> list[Array]:
    return [np.concatenate(rows) for rows in zip(*parts, strict=True)]


def _relation(model: Any) -> _Relation:
    text = model.get_modelmeta().custom_metadata_map.get(METADATA)
    if text is None:
        raise EdgePruneError("model.onnx", "was not written by edgeprune", "build it again")
    where = f"model.onnx: {METADATA}"
    try:
        found = checked(parse_json(text), _Relation, where)
    except ValueError as error:
        raise EdgePruneError(where, f"is not JSON: {error}", "build it again") from None
    ports = {"inputs": model.get_inputs(), "outputs": model.get_outputs()}
    for side, rows in (("inputs", found["inputs"]), ("outputs", found["outputs"])):
        if [sorted(r["perm"]) for r in rows] != [[*range(len(r["shape"]))] for r in rows]:
            raise EdgePruneError(f"{where}: {side}", "has an order of axes that is none")
        if [math.prod(r["shape"]) for r in rows] != [_elements(v) for v in ports[side]]:
            raise EdgePruneError(f"{where}: {side}", "are not those of the file")
    _check_states(found, where)
    return found


def _check_states(found: _Relation, where: str) -> None:
    """Every state has its first value, and an output of its kind that no other state has."""
    kept = [row for row in found["inputs"] if "next" in row]
    following = [row["next"] for row in kept]
    good = len(set(following)) == len(kept) < len(found["outputs"])
    for row in kept if good and max(following, default=0) < len(found["outputs"]) else ():
        after = found["outputs"][row["next"]]
        good &= (row["shape"], row["dtype"]) == (after["shape"], after["dtype"])
        good &= len(row.get("first", ())) == math.prod(row["shape"])
    if not good or max(following, default=0) >= len(found["outputs"]):
        raise EdgePruneError(f"{where}: inputs", "keep what they do not have")


def _elements(port: Any) -> int:
    """Elements of an input or output whose sizes are all given and whose type is known; else -1."""
    if port.type not in _NUMPY or not all(isinstance(n, int) for n in port.shape):
        return -1
    return math.prod(port.shape)


def _type(row: _Side) -> TensorType:
    quant = QuantParams.of(row["scale"], row["zero_point"]) if "scale" in row else None
    return TensorType(tuple(row["shape"]), DType(row["dtype"]), quant)


_NUMPY = {
    "tensor(float)": np.float32,
    "tensor(int8)": np.int8,
    "tensor(uint8)": np.uint8,
    "tensor(int16)": np.int16,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
}


def _to_user(x: Array, row: _Side, v: Any) -> Array:
    """Samples as the file's own input, (n, *shape in the file)."""
    t = _type(row)
    wanted = np.dtype(_NUMPY[v.type])
    if t.quant is not None and wanted == np.uint8:
        x = x.astype(np.int16) + 128
    elif t.quant is not None and wanted != t.dtype.numpy:
        x = dequantise(x, t)
    order = (0, *(p + 1 for p in row["perm"]))
    y: Array = x.reshape(-1, *t.shape).transpose(order).astype(wanted)
    return y.reshape(-1, *v.shape)


def _from_user(y: Array, row: _Side) -> Array:
    """All elements of samples of the file's own output, as the C gives them."""
    t = _type(row)
    order = tuple(np.argsort(row["perm"]))
    shape = tuple(t.shape[p] for p in row["perm"])
    x: Array = y.reshape(-1, *shape).transpose(0, *(p + 1 for p in order))
    if t.quant is not None and x.dtype == np.uint8:
        return (x.astype(np.int16) - 128).astype(np.int8)
    if t.quant is not None and x.dtype != t.dtype.numpy:
        return quantise(x, t)
    return x
