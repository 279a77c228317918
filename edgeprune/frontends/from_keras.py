"""Keras and TensorFlow in: TensorFlow's own converter makes a float ``.tflite``, which is read."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgeprune.errors import EdgePruneError, UnsupportedError
from edgeprune.frontends.from_tflite import parse
from edgeprune.frontends.keras_norms import with_norms
from edgeprune.frontends.normalize import normalize
from edgeprune.ir import Graph

MAX_BYTES = 512 << 20
CODE_HINT = "save the model without Lambda layers or custom classes"


def load(path: str | Path) -> Graph:
    """Read a ``.keras`` or ``.h5`` file, or a SavedModel folder.

    Code in the file (Lambda layers) is not run. Batch norm is folded by TensorFlow; what it
    multiplied with is kept for training where the file has Keras's layers, so not for SavedModels.

    Args:
        path: the file or folder.

    Returns:
        The network, channels last, without batch.

    Raises:
        UnsupportedError: operators that cannot be compiled, all of them.
        EdgePruneError: TensorFlow is not installed, or it cannot read or convert the model.
    """
    path = Path(path)
    files = [path] if path.is_file() else [f for f in path.rglob("*") if f.is_file()]
    size = sum(f.stat().st_size for f in files)
    if size > MAX_BYTES:
        raise EdgePruneError(
            str(path), f"has {size} bytes, more than the {MAX_BYTES} that are read"
        )
    with _silence():
        content, model = _convert(_tensorflow(path), path)
    graph = normalize(replace(parse(content, str(path)), name=path.stem, origin="keras"))
    return with_norms(graph, model)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """What TensorFlow says to the terminal, from Python and from C++, goes nowhere."""
    kept = [os.dup(fd) for fd in (1, 2)]
    sys.stdout.flush()
    with open(os.devnull, "w") as nowhere:
        try:
            for fd in (1, 2):
                os.dup2(nowhere.fileno(), fd)
            with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
                yield
        finally:
            for fd, copy in zip((1, 2), kept, strict=True):
                os.dup2(copy, fd)
                os.close(copy)


def _tensorflow(path: Path) -> Any:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    try:
        import tensorflow
    except ImportError:
        raise EdgePruneError(
            str(path), "needs TensorFlow to be read", "pip install 'edgeprune[keras]'"
        ) from None
    return tensorflow


def _convert(tf: Any, path: Path) -> tuple[bytes, Any]:
    """A float32 ``.tflite`` file of the model, and the model where it is one of Keras."""
    model = None
    try:
        if path.is_dir():
            # The loader of TensorFlow 1 freezes the graph and rebuilds no Python objects, which
            # Keras 3 cannot do for models that Keras 2 saved with their optimizer.
            converter = tf.compat.v1.lite.TFLiteConverter.from_saved_model(str(path))
        else:
            model = tf.keras.models.load_model(str(path), compile=False, safe_mode=True)
            converter = tf.lite.TFLiteConverter.from_keras_model(model)
    except Exception as e:
        raise EdgePruneError(
            str(path), f"TensorFlow cannot read it: {_first_line(e)}", CODE_HINT
        ) from e
    try:
        content: bytes = converter.convert()
    except Exception as e:
        raise UnsupportedError(
            str(path),
            f"TensorFlow cannot convert it to TFLite: {_first_line(e)}",
            "use operators that TFLite has built in",
        ) from e
    return content, model


def _first_line(e: BaseException) -> str:
    lines = [line.strip() for line in str(e).splitlines() if line.strip()]
    return (lines[0] if lines else type(e).__name__)[:300]
