"""TFLite files → Graph: float32 and int8, every scale, zero point and weight as the file has it.

Weights that are integers or float16 beside float32 activations (dynamic-range quantisation) are
read as the real numbers that they stand for.
"""

from __future__ import annotations

from pathlib import Path

from edgeprune.errors import EdgePruneError, UnsupportedError
from edgeprune.files import MODEL_BYTES, read_bytes
from edgeprune.frontends.from_tflite import (
    audio,
    choice,
    dilated,
    lookup,
    rows,
    shapes,
    state,
    steps,
)
from edgeprune.frontends.from_tflite.file import VARIABLE, Operator, read_file
from edgeprune.frontends.from_tflite.finish import finished
from edgeprune.frontends.from_tflite.operators import OPERATORS
from edgeprune.frontends.from_tflite.reader import Reader
from edgeprune.frontends.refusals import Refusal, refusal
from edgeprune.ir import Graph


def load(path: Path) -> Graph:
    """Read a ``.tflite`` file.

    Raises:
        EdgePruneError: it cannot be read, is too large, malformed or contradicts itself.
        UnsupportedError: operators or types that are not read; all of them at once.
    """
    return parse(read_bytes(path, MODEL_BYTES), str(path))


def parse(data: bytes, name: str) -> Graph:
    """Read a model that is in memory already; see :func:`load`."""
    file = read_file(name, data)
    reader = Reader(file)
    found: list[Refusal] = []
    for op in file.operators:
        try:
            _read(reader, op)
        except UnsupportedError as e:
            label = reader.result(op).name if op.outputs else op.name
            found.append(Refusal(op.name, label, e.what, e.hint))
            reader.skip(op)
        except EdgePruneError:
            if not found:
                raise
            reader.skip(op)  # it may be a consequence of what was skipped before
    if found:
        raise refusal(name, found)
    return finished(reader)


FOLLOWERS = (
    audio.follow,
    shapes.follow,
    dilated.follow,
    lookup.follow,
    choice.follow,
    rows.follow,
    steps.follow,
    state.follow,
)
KEEPERS = ("SVDF", "UNIDIRECTIONAL_SEQUENCE_LSTM")
"""Operators that keep variable tensors from call to call."""


def _read(reader: Reader, op: Operator) -> None:
    """One operator.

    Raises:
        UnsupportedError: it is not supported, or one of its tensors is not.
    """
    if not op.outputs and op.name not in state.WITHOUT_RESULT:
        raise EdgePruneError(reader.file.name, f"{op.name} has no output")
    if any(follow(reader, op) for follow in FOLLOWERS):
        return
    if op.name not in OPERATORS:
        raise UnsupportedError(reader.file.name, "")
    for number in (*op.inputs, *op.outputs):
        t = reader.file.tensors[number] if number >= 0 else None
        if t is not None and t.refused and not (t.refused == VARIABLE and op.name in KEEPERS):
            raise UnsupportedError(reader.where(op), f"its tensor {t.name!r} {t.refused}")
    OPERATORS[op.name](reader, op)
