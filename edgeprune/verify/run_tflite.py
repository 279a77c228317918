"""TFLite files under LiteRT's reference kernels: the oracle that anyone can install."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from edgeprune.errors import EdgePruneError
from edgeprune.frontends.from_tflite import parse
from edgeprune.ir import Array, DType, TensorType, join_rows, split_rows
from edgeprune.verify._litert import Interpreter, repaired


def run(
    content: bytes,
    inputs: Array,
    *,
    threads: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Array:
    """What a file answers, for many samples.

    Args:
        content: the file; its batch is 1.
        inputs: samples in the file's own element type, (n, *shape); for several inputs rows of
            all of them (:mod:`edgeprune.ir.rows`).
        threads: how many interpreters work side by side; None: one a core.
        progress: called with the number of samples done since the last call.

    Returns:
        (n, *output shape) in the file's element type; of several outputs rows.

    Raises:
        EdgePruneError: the file is malformed, LiteRT does not take it, or its inputs are of other
            shapes or types.
    """
    parse(content, ".tflite")  # LiteRT itself may crash on what is malformed
    content = repaired(content)
    samples = len(inputs)
    count = min(threads or os.cpu_count() or 1, max(1, samples))
    workers = [Interpreter(content) for _ in range(count)]
    feeds = _split(inputs, workers[0].inputs)
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
    return join_rows(results)


def _split(rows: Array, details: Sequence[Mapping[str, Any]]) -> list[Array]:
    """Samples as the interpreter's inputs."""
    types = [TensorType(tuple(map(int, d["shape"][1:])), _dtype(d)) for d in details]
    fits = rows[:1].size == sum(t.size for t in types) * len(rows[:1])
    fits = fits and (len(types) > 1 or rows.shape[1:] == types[0].shape)
    if not fits or any(t.dtype.numpy != rows.dtype for t in types):
        wanted = ", ".join(f"{t.dtype.value} {list(t.shape)}" for t in types)
        given = f"{rows.dtype.name} {list(rows.shape[1:])}"
        raise EdgePruneError(".tflite", f"takes {wanted}, not {given}")
    return split_rows(rows, types)


def _dtype(detail: Mapping[str, Any]) -> DType:
    name = np.dtype(detail["dtype"]).name
    if name not in {d.value for d in DType}:
        raise EdgePruneError(".tflite", f"takes elements of type {name}")
    return DType(name)
