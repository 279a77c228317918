"""TFLite files under LiteRT's reference kernels: the oracle that anyone can install."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from edgeprune.errors import EdgePruneError
from edgeprune.frontends.from_tflite import parse
from edgeprune.ir import Array


def run(
    content: bytes,
    inputs: Array | Sequence[Array],
    *,
    output: int = 0,
    threads: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Array:
    """One output of a file, for many samples.

    Args:
        content: the file; its batch is 1.
        inputs: samples, (n, *shape), in the file's own element type; one array per input.
        output: which output.
        threads: how many interpreters work side by side; None: one a core.
        progress: called with the number of samples done since the last call.

    Returns:
        (n, *output shape) in the file's element type.

    Raises:
        EdgePruneError: the file is malformed, LiteRT does not take it, or its inputs are of other
            shapes or types.
    """
    parse(content, ".tflite")  # LiteRT itself may crash on what is malformed
    feeds = (inputs,) if isinstance(inputs, np.ndarray) else tuple(inputs)
    samples = len(feeds[0])
    count = min(threads or os.cpu_count() or 1, max(1, samples))
    workers = [_open(content, feeds) for _ in range(count)]
    wanted = workers[0].get_output_details()[output]
    result = np.empty((samples, *wanted["shape"][1:]), wanted["dtype"])

    def work(number: int) -> None:
        worker = workers[number]
        takes = [(d["index"], d["shape"]) for d in worker.get_input_details()]
        for i in range(number, samples, count):
            for (index, shape), feed in zip(takes, feeds, strict=True):
                worker.set_tensor(index, feed[i].reshape(shape))
            worker.invoke()
            result[i] = worker.get_tensor(wanted["index"])[0]
            if progress:
                progress(1)

    with ThreadPoolExecutor(count) as pool:
        list(pool.map(work, range(count)))
    return result


def _open(content: bytes, feeds: Sequence[Array]) -> Any:
    """An interpreter that is ready for these inputs."""
    worker = _interpreter(content)
    wanted = [(np.dtype(d["dtype"]).name, tuple(d["shape"])) for d in worker.get_input_details()]
    given = [(f.dtype.name, (1, *f.shape[1:])) for f in feeds]
    if wanted != given:
        raise EdgePruneError(".tflite", f"takes {_shapes(wanted)}, not {_shapes(given)}")
    return worker


def _interpreter(content: bytes) -> Any:
    """The reference kernels, or LiteRT's others for a file with an operator that these lack."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    kinds = (OpResolverType.BUILTIN_REF, OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
    for kind in kinds:
        try:
            worker = Interpreter(
                model_content=content, experimental_op_resolver_type=kind, num_threads=1
            )
            worker.allocate_tensors()
            return worker
        except (RuntimeError, ValueError) as e:
            reason = str(e).strip()
        if "Didn't find op" not in reason:
            break
    raise EdgePruneError(".tflite", f"LiteRT refuses it: {reason}")


def _shapes(values: Sequence[tuple[str, tuple[int, ...]]]) -> str:
    return ", ".join(f"{dtype} {[int(n) for n in shape[1:]]}" for dtype, shape in values)
