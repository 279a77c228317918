"""Files in: a model file, or a PyTorch module, → Graph."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from edgeprune.errors import EdgePruneError
from edgeprune.files import check_regular, check_regular_below
from edgeprune.ir import Graph


def load(path: str | Path) -> Graph:
    """Read a model file with the reader for its suffix.

    Args:
        path: ``.onnx``, ``.tflite``, ``.pt2``, ``.keras``, ``.h5``, or a SavedModel folder.

    Raises:
        EdgePruneError: no such file, an unknown suffix, or what the reader found.
    """
    path = Path(path)
    if not path.exists():
        raise EdgePruneError(str(path), "does not exist", "give the path of a model file")
    if path.is_dir():
        if (path / "saved_model.pb").is_file():
            check_regular_below(path)
            return _keras(path)
        raise EdgePruneError(
            str(path), "is a folder without a saved_model.pb", "give the path of a model file"
        )
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise EdgePruneError(
            str(path), f"is of no kind that is read: {path.suffix or 'no suffix'}", HINT
        )
    check_regular(path)
    try:
        return reader(path)
    except EdgePruneError as error:
        if str(path) not in str(error):  # a layer alone does not say which file it is in
            error.where = f"{path}: {error.where}"
        raise


# Each reader is imported when it is needed: onnx, torch and tensorflow take their time.


def _onnx(path: Path) -> Graph:
    from edgeprune.frontends.from_onnx import load

    return load(path)


def _tflite(path: Path) -> Graph:
    from edgeprune.frontends.from_tflite import load
    from edgeprune.frontends.normalize import normalize

    return normalize(load(path))


def _torch(path: Path) -> Graph:
    from edgeprune.frontends.from_torch import load

    return load(path)


def _keras(path: Path) -> Graph:
    from edgeprune.frontends.from_keras import load

    return load(path)


READERS: dict[str, Callable[[Path], Graph]] = {
    ".onnx": _onnx,
    ".tflite": _tflite,
    ".pt2": _torch,
    ".pt": _torch,
    ".pth": _torch,
    ".ckpt": _torch,
    ".keras": _keras,
    ".h5": _keras,
}

HINT = "read are .onnx, .tflite, .pt2, .keras, .h5 and SavedModel folders"
