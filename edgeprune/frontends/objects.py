"""Data of Python programs in: tensors, frames, datasets and loaders become arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from numbers import Real
from typing import Any

import numpy as np

from edgeprune.errors import EdgePruneError
from edgeprune.frontends.wanted import NUMBER_THEM
from edgeprune.ir import Array

TAKEN = (
    "an array x (n, input shape), a pair (x, y), a dictionary of arrays, a Dataset, a DataLoader "
    "or a generator of pairs (x, y), a list of pairs (x, y), or [x, y], whose y has another shape "
    "than x, or the path of a file or of a folder of pictures by class"
)
MAX_BYTES = 4 << 30
_OF_BATCHES = {
    (library, name)
    for library in ("keras", "tensorflow", "tf_keras")
    for name in ("PyDataset", "Sequence")
}  # Keras' own, as it and TensorFlow have called it
_ITEM_BYTES = 256  # what an item takes beside its numbers: of endless small ones that is most


def arrays_of(data: Any, where: str) -> dict[str, Array]:
    """Arrays by name: x and, where there are labels, y; a dictionary keeps its names.

    Args:
        data: see :data:`TAKEN`. Arrays are whatever numpy takes: torch tensors, also with
            gradients or on another device, pandas frames and series, lists.
        where: what to call it in errors.

    Raises:
        EdgePruneError: it is none of these, or a list of two arrays of one shape, which may be
            x and y as well as two samples; the text says what is taken.
    """
    if isinstance(data, Mapping):
        known = {n: a for n, a in data.items() if n != "y" or a is not None}
        return {str(name): _array(value, f"{where}[{name!r}]") for name, value in known.items()}
    if _is_pair(data):
        found = {"x": _array(data[0], f"{where}: x")}
        return found if data[1] is None else {**found, "y": _array(data[1], f"{where}: y")}
    if _is_unclear(data):
        what = (
            f"a list of two arrays of one shape, {_shape(data[0])}, may be x and y or two samples"
        )
        raise EdgePruneError(where, what, "give a tuple (x, y), or one array x of all samples")
    if isinstance(data, tuple):
        raise _refused(where, "tuple", f"it has {len(data)} parts, not x and y")
    if _is_pairs(data) or _is_alone(data):
        return _drawn(data, where)
    if isinstance(data, list) or hasattr(data, "__array__") or hasattr(data, "detach"):
        return {"x": _array(data, where)}
    return _drawn(data, where)


def _is_pair(data: Any) -> bool:
    """(x, y), also as a list: two arrays of as many rows, of which samples have axes of their own.

    Two samples have one shape; where trailing axes differ, y has several numbers for a sample.
    """
    if isinstance(data, tuple):
        return len(data) == 2
    if not isinstance(data, list) or len(data) != 2 or any(isinstance(p, tuple) for p in data):
        return False
    x, y = map(_shape, data)
    return len(x) > 1 and len(y) > 0 and x != y and x[0] == y[0]


def _is_unclear(data: Any) -> bool:
    """A list that may be [x, y] or two samples: arrays of one shape, of two axes or more.

    Lists of numbers, as ``x.tolist()`` gives them, are one array, and pictures are samples.
    """
    if not isinstance(data, list) or len(data) != 2:
        return False
    x, y = (tuple(getattr(part, "shape", ())) for part in data)
    return len(x) > 1 and x == y


def _shape(part: Any) -> tuple[int, ...]:
    """The shape of what may be an array, as its first items have it; without axes: it is none."""
    if isinstance(part, list | tuple):
        return (len(part), *(_shape(part[0]) if part else ()))
    if hasattr(part, "__array_interface__"):  # pictures say no shape themselves
        return np.shape(part)
    return tuple(getattr(part, "shape", ()))


def _is_pairs(data: Any) -> bool:
    """A list of samples with their labels, such as ``list(dataset)``; tuples of features are none.

    Features are alike in shape, as they are rows of one sample; an answer has a shape of its own.
    """
    return isinstance(data, list) and all(
        isinstance(item, tuple) and len(item) == 2 and () != _shape(item[0]) != _shape(item[1])
        for item in data
    )


def _is_alone(data: Any) -> bool:
    """A list of what a dataset of tensors alone gives: each in a tuple of its own."""
    return isinstance(data, list) and all(
        isinstance(item, tuple) and len(item) == 1 and _is_array(item[0]) for item in data
    )


def _is_array(part: Any) -> bool:
    return _shape(part) != () and not isinstance(part, list | tuple)


def _array(value: Any, where: str) -> Array:
    if _is_masked(value):
        raise _refused(where, type(value).__name__, "some of its elements are masked")
    try:
        found = np.asarray(_plain(value))
    except Exception as error:  # noqa: BLE001 - what other libraries' objects raise is theirs
        said = "".join(str(error).splitlines()[:1])[:200] or type(error).__name__
        differ = isinstance(value, list | tuple) and isinstance(error, ValueError)
        why = "its items differ in shape" if differ else said
        raise _refused(where, type(value).__name__, why) from None
    if found.dtype.name == "bfloat16":  # of ml_dtypes, as JAX and TensorFlow have it
        found = found.astype(np.float32)
    if found.dtype == object and all(isinstance(e, Real | np.bool) for e in found.flat):
        found = np.array(found.tolist())  # frames of pandas' own types of numbers, or of several
    if found.dtype.kind not in "fiub":
        raise _no_numbers(value, found, where)
    return found


def _no_numbers(value: Any, found: Array, where: str) -> EdgePruneError:
    """What elements are instead, and what to do in the commonest cases."""
    kind = type(value).__name__
    if hasattr(value, "toarray"):  # scipy's
        return EdgePruneError(where, f"a {kind} cannot be used: it is sparse", "give its toarray()")
    columns: Any = getattr(getattr(value, "dtypes", None), "items", tuple)()
    bad = [f"{name} ({t})" for name, t in columns if getattr(t, "kind", "O") not in "fiub"]
    if bad:
        more = f" and {len(bad) - 5} more" if len(bad) > 5 else ""
        what = f"a {kind} cannot be used: no numbers are in {', '.join(bad[:5])}{more}"
        return EdgePruneError(where, what, "leave these columns out, or make numbers of them")
    if found.dtype.kind in "SU" or all(isinstance(e, str) for e in found.flat):
        hint = NUMBER_THEM if found.ndim == 1 else "make numbers of them"
        return EdgePruneError(where, f"a {kind} cannot be used: elements are text", hint)
    if any(isinstance(e, Real) for e in found.flat):
        other = next(e for e in found.flat if not isinstance(e, Real))
        return _refused(where, kind, f"some elements are numbers, others such as {other!r} are not")
    return _refused(where, kind, f"elements are {found.dtype}, not numbers")


def _is_masked(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(_is_masked(item) for item in value)
    return isinstance(value, np.ma.MaskedArray) and bool(np.ma.is_masked(value))


def _plain(value: Any) -> Any:
    """Torch tensors, also those in lists, as arrays; anything else as it is."""
    if hasattr(value, "detach"):
        tensor = value.detach().cpu()
        # numpy has no such type
        return np.asarray(tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor)
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _refused(where: str, kind: str, why: str) -> EdgePruneError:
    return EdgePruneError(where, f"a {kind} cannot be used: {why}", f"taken are {TAKEN}")


def _drawn(data: Any, where: str) -> dict[str, Array]:
    """What a Dataset, a DataLoader or a generator gives, one behind the other."""
    kind = type(data).__name__
    said = _says_batches(data)
    xs: list[Array] = []
    ys: list[Array] = []
    total = 0
    for number, given in enumerate(_items(data, where)):
        at = f"{where}[{number}]"
        alone = isinstance(given, tuple | list) and len(given) == 1  # of a TensorDataset
        item = given[0] if alone else given
        labelled = isinstance(item, tuple | list) and len(item) == 2
        if isinstance(item, Mapping) or (isinstance(item, tuple | list) and not labelled):
            raise _refused(where, kind, f"item {number} is a {type(item).__name__}, no pair (x, y)")
        if not labelled and not said and not hasattr(data, "__getitem__"):
            why = "whether its items are samples or batches cannot be told without labels"
            raise _refused(where, kind, why)
        x = _array(item[0] if labelled else item, at)
        xs.append(x)
        if labelled:
            ys.append(_array(item[1], at))
        total += x.nbytes + _ITEM_BYTES
        if total > MAX_BYTES:
            raise _refused(where, kind, f"it gives more than {MAX_BYTES >> 30} GiB")
    if not xs:
        raise _refused(where, kind, "it holds no sample")
    if ys and len(ys) != len(xs):
        raise _refused(where, kind, "some of its items have labels and some have none")
    join = np.concatenate if _are_batches(said, xs, ys) else np.stack
    try:
        return {"x": join(xs)} | ({"y": join(ys)} if ys else {})
    except ValueError:
        shapes = sorted({str(x.shape) for x in xs})[:3]
        raise _refused(where, kind, f"its items differ in shape: {', '.join(shapes)}") from None


def _are_batches(said: bool | None, xs: list[Array], ys: list[Array]) -> bool:
    """Whether items are batches, to be joined, or samples, to be stacked.

    1. What the object says of itself holds (:func:`_says_batches`): loaders and Keras' generators
       give batches, torch's datasets samples, whatever shape their y have.
    2. Of anything else (generators, lists, tf.data, what only has an index) the items tell: they
       are batches where in every one y has as many rows as x, and x more axes than that of rows.
       So x (6,) with y (), (1,) or (6,) is a sample, (4, 6) with (4,) or (4, 1) are four.
    3. Without labels they are samples.
    """
    if said is not None:
        return said
    pairs = zip(xs, ys, strict=True)
    return bool(ys) and all(x.ndim > 1 and x.shape[:1] == y.shape[:1] for x, y in pairs)


def _says_batches(data: Any) -> bool | None:
    """Whether it gives batches, or samples, by its class or its fields; None: neither says so."""
    if any(getattr(data, field, None) is not None for field in ("batch_size", "batch_sampler")):
        return True
    classes = {(c.__module__.split(".")[0], c.__name__) for c in type(data).__mro__}
    if classes & _OF_BATCHES:
        return True
    of_samples = ("torch", "Dataset") in classes and ("torch", "IterableDataset") not in classes
    return False if of_samples else None


def _items(data: Any, where: str) -> Iterator[Any]:
    if isinstance(data, type):
        raise _refused(where, "class", "its instances may be data")
    length = _length(data) if hasattr(data, "__getitem__") else None
    # Keras' generators of pictures have an index, and iterate on without an end from where they are
    if isinstance(data, Iterable) and not (length and _is_indexed(data)):
        yield from data
    elif length is not None:
        yield from (data[i] for i in range(length))
    else:
        raise _refused(where, type(data).__name__, "it is no data")


def _length(data: Any) -> int | None:
    """What it says; many that have a length by their class raise something where none is known."""
    try:
        return len(data)
    except Exception:  # noqa: BLE001 - what other libraries' objects raise is theirs
        return None


def _is_indexed(data: Any) -> bool:
    """Whether its length counts what it gives, by index too.

    That of torch's IterableDataset, which has an index by its class alone, is an estimate.
    """
    try:
        data[0]
    except Exception:  # noqa: BLE001 - what other libraries' objects raise is theirs
        return False
    return True
