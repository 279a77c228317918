"""Arrays of the user in the layout of the IR, and what of them can be computed with."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from edgeprune.errors import EdgePruneError
from edgeprune.ir import Array, Graph

LARGEST = 1e15
"""Of samples: sums of squares of a million of them are still numbers in float32."""


def reals(x: Array, where: str) -> NDArray[np.float32]:
    """Samples, (n, ...), as numbers whose squares can be summed.

    Raises:
        EdgePruneError: one is NaN, infinite or too large.
    """
    made = np.ascontiguousarray(x, np.float32)
    bad = ~np.isfinite(made.reshape(len(made), -1)).all(axis=1)
    if bad.any():
        count, first = int(bad.sum()), int(np.argmax(bad))
        what = f"sample {first} has a NaN or an infinity"
        hint = "leave it out"
        if count > 1:
            what = f"{count} of {len(made)} samples have a NaN or an infinity, {first} is the first"
            hint = "leave them out, or fill in what is missing, as on the device"
        raise EdgePruneError(where, what, hint)
    if (most := float(np.abs(made).max(initial=0))) > LARGEST:
        what = f"has values up to {most:.3g}; from {LARGEST:g} on their squares leave float32"
        raise EdgePruneError(where, what, "give samples as the model was trained with")
    return made


def to_ir_layout(x: Array, graph: Graph, value: str, where: str) -> Array:
    """User's samples in the IR's axis order: their own shape first, else the IR's.

    Raises:
        EdgePruneError: neither fits.
    """
    shape = graph.types[value].shape
    port = graph.ports.get(value)
    if port is not None:
        own = port.shape[1:] if port.batched else port.shape
        if x.shape[1:] == (1, *own) and x.shape[1:] != own:
            x = x[:, 0]
        if x.shape[1:] == own and math.prod(own) == math.prod(shape):
            if port.perm is None:
                return x.reshape(len(x), *shape)
            back = np.argsort(port.perm)
            return x.transpose(0, *(int(i) + 1 for i in back))
    if x.shape[1:] == shape:
        return x
    if x.ndim >= 1 and math.prod(x.shape[1:]) == math.prod(shape) and len(shape) == 1:
        return x.reshape(len(x), *shape)
    wanted = port.shape[1:] if port is not None and port.batched else shape
    does = "gives" if value in graph.outputs else "takes"
    raise EdgePruneError(
        where,
        f"has shape {list(x.shape)}, the model {does} (n, {', '.join(map(str, wanted))})",
        _meant_shape(x.shape, wanted),
    )


def _meant_shape(got: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    """What to do where samples have another shape: the commonest forms that they come in."""
    if got == wanted:
        return "one sample is an array of one: x[None]"
    if len(wanted) > 1 and got[1:] == (*wanted[1:], wanted[0]):
        return "move the channels: np.moveaxis(x, -1, 1)"
    if len(wanted) > 1 and got[1:] == (wanted[-1], *wanted[:-1]):
        return "move the channels: np.moveaxis(x, 1, -1)"
    axes, needed = ([n for n in shape if n > 1] for shape in (got[1:], wanted))
    if axes == needed or (math.prod(axes) == math.prod(needed) and 1 in map(len, (axes, needed))):
        return (
            f"give x.reshape({', '.join(map(str, (-1, *wanted)))}) if its elements have that order"
        )
    return ""
