"""ONNX file → Graph. Axes are put in the IR's order, constants folded, the batch taken off."""

from __future__ import annotations

from pathlib import Path

from edgeprune.errors import EdgePruneError
from edgeprune.frontends.from_onnx.compose import compose
from edgeprune.frontends.from_onnx.convert import convert
from edgeprune.frontends.from_onnx.file import Source, open_model, parse_model
from edgeprune.frontends.from_onnx.qoperator import as_qdq
from edgeprune.frontends.from_onnx.reader import MixesBatchError
from edgeprune.frontends.from_onnx.table import TABLE
from edgeprune.frontends.normalize import normalize
from edgeprune.ir import Graph


def load(path: str | Path) -> Graph:
    """Read a float32 ``.onnx`` file, with its external data.

    Args:
        path: the file. External data is read from its folder only.

    Returns:
        The network, channels last, without batch; ``ports`` say how the file presents its inputs
        and outputs, ``notes`` what was assumed.

    Raises:
        UnsupportedError: operators that cannot be compiled, all of them.
        EdgePruneError: the file is malformed.
    """
    path = Path(path)
    return _read(open_model(path), path.stem)


def loads(data: bytes, name: str = "model") -> Graph:
    """The same for a model in memory; external data is refused."""
    return _read(parse_model(data, name, None), name)


def _read(source: Source, name: str) -> Graph:
    try:
        as_qdq(source.model.graph)
        compose(source.model.graph)
        try:
            graph = convert(source, name, batched=True)
        except MixesBatchError:
            graph = convert(source, name, batched=False)
        return normalize(graph)
    except (ArithmeticError, LookupError, TypeError, ValueError) as e:
        # what a damaged file may still make of numbers that nobody thought of
        what = f"makes no sense: {type(e).__name__} {str(e)[:100]}"
        raise EdgePruneError(source.name, what, "export the model again") from e
