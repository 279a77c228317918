"""TFLite files → Graph: float32 and int8, every scale, zero point and weight as the file has it.

Weights that are integers or float16 beside float32 activations (dynamic-range quantisation) are
read as the real numbers that they stand for.
"""

from __future__ import annotations

from pathlib import Path

from edgeprune.errors import UnsupportedError
from edgeprune.files import read_bytes
from edgeprune.frontends.from_tflite import dilated, lookup
from edgeprune.frontends.from_tflite.file import read_file
from edgeprune.frontends.from_tflite.operators import OPERATORS
from edgeprune.frontends.from_tflite.reader import Reader
from edgeprune.ir import Graph

MAX_FILE_BYTES = 256 << 20


def load(path: Path) -> Graph:
    """Read a ``.tflite`` file.

    Raises:
        EdgePruneError: it cannot be read, is too large, malformed or contradicts itself.
        UnsupportedError: operators or types that are not read; all of them at once.
    """
    return parse(read_bytes(path, MAX_FILE_BYTES), str(path))


def parse(data: bytes, name: str) -> Graph:
    """Read a model that is in memory already; see :func:`load`."""
    file = read_file(name, data)
    unknown = [
        f"{file.tensors[op.outputs[0]].name!r} ({op.name})"
        for op in file.operators
        if op.name not in OPERATORS
    ]
    if unknown:
        what = f"{len(unknown)} operators are not supported:\n  " + "\n  ".join(unknown)
        raise UnsupportedError(name, what, "`edgeprune ops` lists those that are")
    reader = Reader(file)
    problems = []
    hint = ""
    for op in file.operators:
        try:
            if not any(follow(reader, op) for follow in (dilated.follow, lookup.follow)):
                OPERATORS[op.name](reader, op)
        except UnsupportedError as e:
            problems.append(f"{e.where.removeprefix(name + ': ')}: {e.what}")
            hint = hint or e.hint
            reader.skip(op)
    if problems:
        what = f"{len(problems)} operators are not supported:\n  " + "\n  ".join(problems)
        raise UnsupportedError(name, what, hint)
    return reader.finish()
