"""What packages for phones have in common: the ``.tflite``, stored samples, element types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import numpy as np

from edgeprune.emit import tflite_metadata
from edgeprune.emit.packages.facts import Facts
from edgeprune.errors import UnsupportedError
from edgeprune.ir import Array

_Word = TypeVar("_Word")


def spelled(facts: Facts, kind: str, words: Mapping[str, _Word]) -> list[_Word]:
    """The element types of input and output in the words of an app's language.

    Raises:
        UnsupportedError: there are no words for one of them.
    """
    ends = [facts.record["interface"][k][0]["dtype"] for k in ("inputs", "outputs")]
    if not set(ends) <= set(words):
        what = f"there is no app for inputs and outputs of {' and '.join(ends)}"
        raise UnsupportedError(f"--package {kind}", what, "use --dtype int8 or float32")
    return [words[end] for end in ends]


def model_file(facts: Facts) -> bytes:
    """The ``.tflite`` as apps read it, with metadata."""
    dtype = facts.record["dtype"]
    description = f"{facts.name}, {dtype}"
    return tflite_metadata.described(facts.graph, description, facts.labels, dtype=dtype)


def little(values: Array) -> bytes:
    """Samples, row by row, little-endian."""
    return np.ascontiguousarray(values, values.dtype.newbyteorder("<")).tobytes()
