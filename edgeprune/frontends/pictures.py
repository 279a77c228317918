"""Pictures in: a folder for each class becomes bytes in the size that a model takes."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgeprune.arrays import MAX_BYTES
from edgeprune.errors import EdgePruneError
from edgeprune.files import check_regular
from edgeprune.ir import Array

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF")
ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")
MODES = {1: "L", 3: "RGB", 4: "RGBA"}
"""What Pillow calls pictures of so many channels."""
MOST_PIXELS = 1 << 26
"""Of one picture: what a small file claims takes 256 MiB at the most."""
_NOWHERE = logging.NullHandler()
"""Where nobody listens, Python prints what Pillow logs of a damaged file beside our message."""


def classes_of(folder: Path) -> dict[str, list[Path]]:
    """The pictures of every class, both by name; empty where the folder holds none.

    Raises:
        EdgePruneError: a class has none: it would be counted, or not, without the user's saying.
    """
    found = {
        sub.name: sorted(p for p in sub.iterdir() if p.suffix.lower() in ENDINGS)
        for sub in sorted(folder.iterdir())
        if sub.is_dir() and not sub.name.startswith((".", "__"))
    }
    if not any(found.values()):
        return {}
    empty = [name for name, pictures in found.items() if not pictures]
    if empty:
        what = f"has folders without a picture: {', '.join(empty[:8])}"
        hint = "every folder is a class, by the order of names: move away what is none"
        raise EdgePruneError(str(folder), what, hint)
    return found


def read_classes(folder: Path, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Every picture of a folder of folders, each with the number of its folder.

    Args:
        folder: its folders are the classes, in the order of their names.
        shape: what the model takes, (h, w, c).

    Returns:
        uint8 (n, h, w, c), and int64 (n,).

    Raises:
        EdgePruneError: the model takes no pictures, one cannot be read, or all are too large.
    """
    where = str(folder)
    if len(shape) != 3 or shape[2] not in MODES:
        what = f"holds pictures, the model takes {list(shape)}"
        raise EdgePruneError(where, what, "pictures are for models of (h, w, 1), 3 or 4 channels")
    classes = classes_of(folder)
    rows = [(label, p) for label, paths in enumerate(classes.values()) for p in paths]
    if len(rows) * int(np.prod(shape)) > MAX_BYTES:
        raise EdgePruneError(where, f"holds {len(rows)} pictures, more than {MAX_BYTES >> 30} GiB")
    x = np.empty((len(rows), *shape), np.uint8)
    for i, (_, path) in enumerate(rows):
        x[i] = read_picture(path, shape)
    return x, np.asarray([label for label, _ in rows], np.int64)


def _bytes(picture: Image) -> Image:
    """A picture of bytes from one of larger numbers, which Pillow would cut off at 255."""
    from PIL import Image

    if not picture.mode.startswith(("I", "F")):
        return picture
    values = np.asarray(picture)
    if values.dtype.kind == "f" or values.min() < 0 or values.max() > 0xFFFF:
        raise ValueError(f"its pixels are {values.dtype.name} numbers, not bytes or 16 bits")
    return Image.fromarray((values >> 8).astype(np.uint8))


def read_picture(path: Path, shape: tuple[int, ...]) -> Array:
    """One picture, the right way up, in another size: bilinear, each pixel a mean of its area.

    Of 16 bits the upper eight count. What is transparent keeps its colour, as where torchvision
    and Keras read pictures.

    Args:
        path: its file.
        shape: (h, w, c), of one, three or four channels.

    Returns:
        uint8, of that shape.

    Raises:
        EdgePruneError: it is no picture of a known format, is damaged or too large.
    """
    from PIL import Image, ImageOps

    check_regular(path)
    logging.getLogger("PIL").addHandler(_NOWHERE)
    height, width, channels = shape
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of metadata that nothing here reads
            with Image.open(path, formats=FORMATS) as picture:
                if picture.width * picture.height > MOST_PIXELS:
                    raise ValueError(f"it has {picture.width} x {picture.height} pixels")
                upright = _bytes(ImageOps.exif_transpose(picture)).convert(MODES[channels])
        made = upright.resize((width, height), Image.Resampling.BILINEAR)
    except Exception as error:  # noqa: BLE001 - what decoders raise for damaged files is anything
        why = str(error).splitlines() or [type(error).__name__]
        raise EdgePruneError(
            str(path), f"cannot be read as a picture: {why[0][:200]}", "take it out of the folder"
        ) from None
    return np.asarray(made, np.uint8).reshape(shape)
