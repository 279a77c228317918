"""Variables of the environment that libraries read, while they are asked to."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

UNTOLD = {"ORT_DISABLE_TELEMETRY": "1", "MLFLOW_DISABLE_TELEMETRY": "true"}
"""ONNX Runtime and MLflow tell their makers that they are used, as soon as they are imported; ONNX
Runtime keeps an identifier of the machine for it. With these, read at that time, they do not."""


@contextmanager
def unless_set(values: Mapping[str, str]) -> Iterator[None]:
    """Variables of the environment, of those that it lacks, until the end of the block."""
    new = [name for name in values if name not in os.environ]
    os.environ.update({name: values[name] for name in new})
    try:
        yield
    finally:
        for name in new:
            os.environ.pop(name, None)
