"""TFLite files under LiteRT: its reference kernels are the oracle, its default ones run in apps."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from edgeprune.errors import EdgePruneError
from edgeprune.frontends.from_tflite import parse
from edgeprune.frontends.from_tflite.file import read_file
from edgeprune.ir import (
    Array,
    DType,
    TensorType,
    in_elements,
    join_rows,
    row_type,
    split_rows,
)
from edgeprune.verify._litert import Interpreter, repaired


def run(
    content: bytes,
    inputs: Array,
    *,
    signed: bool = False,
    default: bool = False,
    threads: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Array:
    """What a file answers, for many samples.

    Args:
        content: the file; its batch is 1.
        inputs: samples in the file's own element type, (n, *shape); for several inputs rows of
            all of them (:mod:`edgeprune.ir.rows`).
        signed: whether what the file has as uint8 is given, and answered, as int8: 128 lower.
        default: under LiteRT's default kernels and delegate (XNNPACK), as apps do.
        threads: how many interpreters work side by side; None: one a core.
        progress: called with the number of samples done since the last call.

    Returns:
        (n, *output shape) in the file's element type; of several outputs rows.

    Raises:
        EdgePruneError: the file is malformed, LiteRT does not take it, or its inputs are of other
            shapes or types.
    """
    graph = parse(content, ".tflite")  # LiteRT itself may crash on what is malformed
    if not runs(content):
        what = "LiteRT has no signal operators, and no SVDF with a state of int8"
        raise EdgePruneError(".tflite", what, "TFLite Micro runs such files")
    content = repaired(content)
    samples = len(inputs)
    count = min(threads or os.cpu_count() or 1, max(1, samples))
    if graph.states:
        count = 1  # one call after the other
    workers = [Interpreter(content, default=default) for _ in range(count)]
    feeds = _split(inputs, workers[0].inputs, signed)
    wanted = workers[0].outputs
    results = [np.empty((samples, *d["shape"][1:]), d["dtype"]) for d in wanted]

    def work(number: int) -> None:
        for i in range(number, samples, count):
            made = workers[number].run([feed[i][None] for feed in feeds])
            for result, value in zip(results, made, strict=True):
                result[i] = value[0]
            if progress:
                progress(1)

    with ThreadPoolExecutor(count) as pool:
        list(pool.map(work, range(count)))
    shifted = [_turned(y, np.int8) if signed and y.dtype == np.uint8 else y for y in results]
    return join_rows(shifted)


def runs(content: bytes) -> bool:
    """Whether LiteRT can run a file that was read: it has no operators that are TFLite Micro's own.

    It takes every integer state of SVDF for int16, and writes beyond the end of one of int8.
    """
    file = read_file(".tflite", content)
    if any(op.name.startswith("CUSTOM ") for op in file.operators):
        return False
    svdfs = [op for op in file.operators if op.name == "SVDF"]
    return all(file.tensors[op.inputs[4]].dtype is not DType.INT8 for op in svdfs)


def _turned(x: Array, dtype: type[np.int8] | type[np.uint8]) -> Array:
    """Bytes as the other type of byte: from 0 on, or 128 lower."""
    return np.bitwise_xor(x.view(np.uint8), 0x80).view(dtype)


def _split(rows: Array, details: Sequence[Mapping[str, Any]], signed: bool) -> list[Array]:
    """Samples as the interpreter's inputs."""
    own = [_dtype(d) for d in details]
    held = [DType.INT8 if signed and t is DType.UINT8 else t for t in own]
    shapes = [tuple(map(int, d["shape"][1:])) for d in details]
    types = [TensorType(shape, t) for shape, t in zip(shapes, held, strict=True)]
    fits = rows[:1].size == sum(t.size for t in types) * len(rows[:1])
    fits = fits and (len(types) > 1 or rows.shape[1:] == types[0].shape)
    if not fits or row_type(types) != rows.dtype:
        wanted = ", ".join(f"{t.dtype.value} {list(t.shape)}" for t in types)
        given = f"{rows.dtype.name} {list(rows.shape[1:])}"
        raise EdgePruneError(".tflite", f"takes {wanted}, not {given}")
    typed = [in_elements(p, t) for p, t in zip(split_rows(rows, types), types, strict=True)]
    parts = zip(typed, own, held, strict=True)
    return [p if t is h else _turned(np.ascontiguousarray(p), np.uint8) for p, t, h in parts]


def _dtype(detail: Mapping[str, Any]) -> DType:
    name = np.dtype(detail["dtype"]).name
    if name not in {d.value for d in DType}:
        raise EdgePruneError(".tflite", f"takes elements of type {name}")
    return DType(name)
