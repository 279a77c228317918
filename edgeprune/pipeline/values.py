"""What the values of options mean: texts of the command line, or what Python has in their place."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from edgeprune.errors import EdgePruneError
from edgeprune.files import read_bytes
from edgeprune.schema import Range

EMITTERS = ("c", "tflite", "onnx", "ort", "tflm")
BITS = (2, 8)  # all that weights may have
MOST_LABEL_BYTES = 1 << 20
FASTER = Range(math.nextafter(1, 2), 1000)
"""Times as fast as the whole network: more than once."""
_UNIT = {"": 1, "b": 1, "k": 1024, "m": 1024 * 1024}
_NUMBER = r"(\d*\.?\d+(?:e-?\d+)?)"
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(|b|k|kb|kib|m|mb|mib)\s*", re.IGNORECASE)


def parts(value: object) -> tuple[str, ...]:
    """The texts of a value that may be several: "a,b" and ["a", "b"] are the same, 1 is ["1"]."""
    plain = value.tolist() if hasattr(value, "tolist") else value  # of numpy, torch, pandas
    if isinstance(plain, str):
        return tuple(map(str.strip, plain.split(",")))
    rows = plain if isinstance(plain, Iterable) else (plain,)
    return tuple(str(row.item() if hasattr(row, "item") else row) for row in rows)


def parse_path(value: str | Path, option: str) -> Path:
    """The path of a file or folder.

    Raises:
        EdgePruneError: no file can be called so.
    """
    if "\0" in str(value):
        raise EdgePruneError(option, f"{str(value)!r} is no path")
    return Path(value)


def parse_names(value: object, option: str, hint: str = "") -> tuple[str, ...]:
    """Names, each once.

    Args:
        value: a text, or a sequence, which may be empty.
        option: what it was given for.
        hint: what names there are.

    Raises:
        EdgePruneError: one is empty.
    """
    names = tuple(dict.fromkeys(parts(value)))
    if "" in names:
        what = "names nothing" if names == ("",) else "has an empty name among its names"
        raise EdgePruneError(option, what, hint)
    return names


def parse_state(value: object, option: str = "--state") -> tuple[str, ...]:
    """Pairs of an input and an output.

    Raises:
        EdgePruneError: a text is empty.
    """
    return parse_names(value, option, "an input and an output by their names: h_in:h_out")


def parse_emit(value: object, option: str = "--emit") -> tuple[str, ...]:
    """Names of artifacts.

    Raises:
        EdgePruneError: a text is empty.
    """
    return parse_names(value, option, one_of(EMITTERS))


def parse_packages(value: object, option: str = "--package") -> tuple[str, ...]:
    """Names of packages; "all" are all.

    Raises:
        EdgePruneError: a text is empty.
    """
    from edgeprune.emit.packages import PACKAGES

    names = parse_names(value, option, one_of((*PACKAGES, "all")))
    return tuple(PACKAGES) if names == ("all",) else names


def one_of(known: Iterable[str]) -> str:
    """The hint that says what names there are."""
    return f"some of {', '.join(known)}"


def refuse_unknown(option: str, names: Sequence[str], known: Sequence[str]) -> None:
    """Names that were given against those that there are.

    Raises:
        EdgePruneError: there is none, or one is unknown.
    """
    wrong = [n for n in names if n not in known]
    if wrong or not names:
        what = f"there is no {', '.join(map(repr, wrong))}" if wrong else "names nothing"
        raise EdgePruneError(option, what, one_of(known))


def parse_size(value: object, option: str = "--budget", *, least: int = 1) -> int:
    """Bytes of "64KB", "64K", "64KiB" (all 65,536), "1.5M" or a bare number.

    Raises:
        EdgePruneError: it is no size.
    """
    match = _SIZE.fullmatch(str(value))
    if match is None:
        raise EdgePruneError(option, f"{value!r} is no size", "such as 64KB, 64KiB or 65536")
    unit = match[2].lower()[:1]
    size = int(float(match[1]) * _UNIT[unit])
    if size < least or size > 1 << 40:
        raise EdgePruneError(option, f"{value!r} is {size} bytes", "such as 64KB, 64KiB or 65536")
    return size


def parse_drop(value: object, option: str = "--max-drop") -> float:
    """Share of "0.5pt", "0.5%" (both 0.005) or "0.005".

    Raises:
        EdgePruneError: it is no drop.
    """
    match = re.fullmatch(rf"\s*{_NUMBER}\s*(pt|pp|%|)\s*", str(value))
    if match is None:
        raise EdgePruneError(option, f"{value!r} is no accuracy drop", "such as 0.5pt")
    share = float(match[1]) / (100 if match[2] else 1)
    if not 0 <= share <= 1:
        hint = f"points of accuracy: {match[1]}pt" if share <= 100 and not match[2] else ""
        raise EdgePruneError(option, f"{value!r} is not between 0 and 100pt", hint)
    return share


def parse_speedup(value: object, option: str = "--speedup") -> float:
    """How many times as fast: "2x" or "1.5".

    Raises:
        EdgePruneError: it is no number above 1.
    """
    match = re.fullmatch(rf"\s*{_NUMBER}\s*x?\s*", str(value))
    if match is None or not FASTER.low <= float(match[1]) <= FASTER.high:
        raise EdgePruneError(option, f"{value!r} is no speed-up", "such as 2x")
    return float(match[1])


def parse_bits(value: object, option: str = "--bits") -> tuple[int, int]:
    """Fewest and most bits of "2-8", or of "4", which is both.

    Raises:
        EdgePruneError: weights cannot have as many.
    """
    match = re.fullmatch(r"\s*([2348])\s*(?:-\s*([2348])\s*)?", str(value))
    if match is None or int(match[2] or match[1]) < int(match[1]):
        hint = "weights have 2, 3, 4 or 8 bits: 2-8 is all of them, 4-8 is 4 and 8"
        raise EdgePruneError(option, f"{value!r} are no bits of weights", hint)
    return int(match[1]), int(match[2] or match[1])


def parse_numbers(value: object, option: str) -> tuple[float, ...]:
    """Numbers of "0.485,0.456,0.406".

    Raises:
        EdgePruneError: they are none, or not finite.
    """
    try:
        found = tuple(float(part) for part in parts(value))
    except ValueError:
        found = ()
    if not found or not all(math.isfinite(v) for v in found):
        hint = "such as 0.5 or 0.485,0.456,0.406"
        raise EdgePruneError(option, f"{value!r} is no number and no list of numbers", hint)
    return found


def parse_deviations(value: object, option: str) -> tuple[float, ...]:
    """Numbers above 0.

    Raises:
        EdgePruneError: one is not.
    """
    found = parse_numbers(value, option)
    if min(found) <= 0:
        raise EdgePruneError(option, f"must be above 0, is {min(found):g}", "what x was divided by")
    return found


def parse_classes(value: object, option: str = "--classes") -> tuple[int, ...]:
    """Numbers of classes, in order and once: "7,3".

    Raises:
        EdgePruneError: they are no whole numbers.
    """
    try:
        found = tuple(sorted({int(part) for part in parts(value)}))
    except ValueError:
        found = ()
    if not found:
        raise EdgePruneError(option, f"{value!r} is no list of labels", "such as 3,7")
    return found


def parse_labels(value: object, option: str = "--labels") -> tuple[str, ...]:
    """Names of classes: "cat,dog", a text file with one a line, or a sequence of them.

    Raises:
        EdgePruneError: there are fewer than two, or the file cannot be read.
    """
    if isinstance(value, Path) or (isinstance(value, str) and "," not in value):
        names = _lines(str(value), option)
    elif isinstance(value, str):
        names = [name.strip() for name in value.split(",")]
    else:
        names = list(parts(value))
        if not names:
            return ()
    if len(names) < 2 or not all(names):
        raise EdgePruneError(option, f"{value!r} does not name classes", "such as cat,dog")
    return tuple(names)


def _lines(path: str, option: str) -> list[str]:
    """Of a text file, without empty ones at the end."""
    hint = "names with commas between them, or a file with one a line"
    try:
        lines = read_bytes(Path(path), MOST_LABEL_BYTES, hint).decode("utf-8")
    except EdgePruneError as error:
        raise EdgePruneError(option, f"{path!r} {error.what}", hint) from None
    except ValueError:
        raise EdgePruneError(option, f"{path!r} is no text in UTF-8") from None
    names = [line.strip() for line in lines.splitlines()]
    while names and not names[-1]:
        names.pop()
    return names


def parse_levels(value: object, option: str = "--levels") -> tuple[tuple[float, ...], str]:
    """Levels of a sweep, and what they are of.

    "10:90:10" and "10,20,50" are percent of the channels removed ("share"); "8KB,16KB" are sizes
    of the parameters ("bytes").

    Raises:
        EdgePruneError: they are neither.
    """
    hint = "such as 10:90:10 (percent removed) or 8KB,16KB (bytes of parameters)"
    texts = parts(value)
    if any(re.search("[kKmMbB]", text) for text in texts):
        return tuple(float(parse_size(text, option)) for text in texts), "bytes"
    try:
        if len(texts) == 1 and ":" in texts[0]:
            low, high, step = (int(part) for part in texts[0].split(":"))
            values = [float(v) for v in range(low, high + 1, step)]
        else:
            values = [float(text) for text in texts]
    except ValueError:
        raise EdgePruneError(option, f"{value!r} is no list of levels", hint) from None
    if not values or not all(0 < v < 100 for v in values):
        raise EdgePruneError(option, f"{value!r} does not lie between 0 and 100 percent", hint)
    return tuple(v / 100 for v in values), "share"


MEANINGS: Mapping[str, Callable[[Any, str], Any]] = {
    "state": parse_state,
    "mean": parse_numbers,
    "std": parse_deviations,
    "budget": parse_size,
    "ram": parse_size,
    "speedup": parse_speedup,
    "bits": parse_bits,
    "max_drop": parse_drop,
    "classes": parse_classes,
    "labels": parse_labels,
    "emit": parse_emit,
    "packages": parse_packages,
    "out": parse_path,
    "log": parse_path,
    "frontend": parse_path,
}
"""By option what its value means; those that are not here are taken as they are."""


def meant(given: Mapping[str, Any]) -> dict[str, Any]:
    """The values of options as a build has them; None is left out.

    Args:
        given: by the name in Python: a text, or what Python has.

    Raises:
        EdgePruneError: one can mean nothing.
    """
    found = {}
    for name, value in given.items():
        if value is not None:
            option = "--package" if name == "packages" else f"--{name.replace('_', '-')}"
            found[name] = MEANINGS[name](value, option) if name in MEANINGS else value
    return found
