"""The state of a conversion, and what converters need: operands, names, layouts, new nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from edgeprune.errors import EdgePruneError, UnsupportedError
from edgeprune.frontends.from_onnx.origin import Origin
from edgeprune.frontends.from_onnx.value import (
    IMAGE,
    Act,
    Fold,
    Known,
    Shape,
    Value,
    inverse,
    non_unit,
    regroup,
)
from edgeprune.ir import Array, DType, Node, Op, QuantParams, TensorType
from edgeprune.ops import Reshape, Transpose

MAX_ELEMENTS = 1 << 31


class MixesBatchError(Exception):
    """The model does not treat axis 0 as a batch."""


@dataclass(frozen=True)
class Call:
    """One ONNX node as a converter sees it.

    Attributes:
        name: unique name for the node.
        where: what messages call it.
        kind: the operator's name.
        opset: version of the operator set.
        attributes: by name.
        inputs: operands; None where an optional one is left out.
        outputs: names of the results.
    """

    name: str
    where: str
    kind: str
    opset: int
    attributes: Mapping[str, Any]
    inputs: tuple[Value | None, ...]
    outputs: tuple[str, ...]

    def error(self, what: str, hint: str = "") -> EdgePruneError:
        """The model contradicts itself here."""
        return EdgePruneError(self.where, what, hint)

    def unsupported(self, what: str, hint: str = "") -> UnsupportedError:
        """The model is right, but this cannot be compiled."""
        return UnsupportedError(self.where, what, hint)

    def operand(self, i: int) -> Value:
        """An operand that must be there."""
        value = self.optional(i)
        if value is None:
            raise self.error(f"has no operand number {i}")
        return value

    def optional(self, i: int) -> Value | None:
        """An operand that may be left out."""
        return self.inputs[i] if i < len(self.inputs) else None

    def act(self, i: int) -> Act:
        """An operand that depends on the model's inputs."""
        value = self.operand(i)
        if isinstance(value, Known):
            raise self.unsupported(f"operand {i} is a constant", "fold constants before export")
        return value

    def known(self, i: int) -> Array | None:
        """An optional operand that must be a constant."""
        value = self.optional(i)
        if isinstance(value, Act):
            raise self.unsupported(f"operand {i} is computed at run time", "make it a constant")
        return None if value is None else value.array

    def need(self, i: int) -> Array:
        """An operand that must be there and be a constant."""
        self.operand(i)
        array = self.known(i)
        assert array is not None
        return array

    def attr(self, name: str, default: Any) -> Any:
        """An attribute, of its default's type."""
        value = self.attributes.get(name, default)
        if isinstance(default, float) and isinstance(value, int):
            return float(value)
        if default is not None and not isinstance(value, type(default)):
            raise self.error(f"attribute {name!r} is {value!r}")
        return value

    def ints(self, name: str) -> tuple[int, ...] | None:
        """An attribute that is a list of integers."""
        value = self.attributes.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(v, int) for v in value):
            raise self.error(f"attribute {name!r} is {value!r}")
        return tuple(value)

    def axis(self, a: int, rank: int) -> int:
        """An axis, counted from the front."""
        if not -rank <= a < rank:
            raise self.error(f"axis {a} of a value with {rank} axes")
        return a % rank


@dataclass
class Reader:
    """What has been converted so far.

    Attributes:
        nodes: IR nodes in order.
        constants: IR constants by name.
        types: types of IR values that the file gives (quantised ones).
        scales: of constants that the file holds as integers, by name.
        names: names that are taken.
    """

    nodes: list[Node] = field(default_factory=list)
    constants: dict[str, Array] = field(default_factory=dict)
    constant_types: dict[str, TensorType] = field(default_factory=dict)
    known: dict[str, TensorType] = field(default_factory=dict)
    scales: dict[str, QuantParams] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    origins: dict[Act, Origin] = field(default_factory=dict)  # of reshaped values, as they lie

    def unique(self, name: str) -> str:
        """That name, or the name with a number if it is taken."""
        found, n = name, 1
        while found in self.names:
            n += 1
            found = f"{name}_{n}"
        self.names.add(found)
        return found

    def constant(self, call: Call, array: Array, role: str) -> str:
        """A new constant: float32, finite."""
        with np.errstate(over="ignore"):
            dtype = np.float32 if array.dtype.kind == "f" else array.dtype
            value = np.ascontiguousarray(array, dtype)  # a number becomes a vector of one
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            bad = int(value.size - np.isfinite(value).sum())
            raise call.error(
                f"{bad} of {value.size} values of its {role} are NaN or infinite",
                "the training diverged; use an earlier checkpoint",
            )
        name = self.unique(f"{call.name}/{role}")
        self.constants[name] = np.require(value, requirements="W")  # torch wants it so
        return name

    def _type_of(self, name: str, types: Mapping[str, TensorType]) -> TensorType:
        if name in self.constants:
            c = self.constants[name]
            return self.constant_types.get(
                name, TensorType(tuple(int(s) for s in c.shape), DType(c.dtype.name))
            )
        return types[name]

    def emit(
        self, call: Call, op: Op, *operands: Act | str, role: str = "", site: str = ""
    ) -> tuple[str, TensorType]:
        """A new IR node.

        Args:
            call: the ONNX node that it comes from.
            op: its operator.
            operands: values, or names of constants.
            role: added to the node's name if it is not the only one of the ONNX node.
            site: see ``Node``.

        Returns:
            The name and type of its result.
        """
        types = {o.name: o.type for o in operands if isinstance(o, Act)}
        names = tuple(o.name if isinstance(o, Act) else o for o in operands)
        try:
            made = op.infer(*(self._type_of(n, types) for n in names))
        except EdgePruneError as e:
            raise EdgePruneError(call.where, f"{e.where}: {e.what}", e.hint) from None
        if made.size > MAX_ELEMENTS or made.size < 1:
            raise call.error(f"its result has shape {list(made.shape)}: {made.size} elements")
        name = self.unique(f"{call.name}/{role}" if role else call.name)
        value = self.unique(f"{name}:0")
        self.nodes.append(Node(name, op, names, value, site))
        return value, made

    # -- layouts ---------------------------------------------------------------------------------

    def like(self, act: Act, made: tuple[str, TensorType]) -> Act:
        """An elementwise result: laid out as its operand."""
        return replace(act, name=made[0], type=made[1], truth=False)

    def plain(self, call: Call, act: Act) -> Act:
        """A flattened image in ONNX's order."""
        if act.fold is None:
            return act
        shape, perm = act.fold.shape, act.fold.perm
        name, made = self.emit(call, Reshape(shape), act, role="unflatten")
        image = Act(name, made, tuple(range(len(shape))), act.batch)
        moved = self._move(call, image, perm)
        name, made = self.emit(call, Reshape(act.type.shape), moved, role="flatten")
        return Act(name, made, (0,), act.batch)

    def _move(self, call: Call, act: Act, order: Shape) -> Act:
        """The IR axes in another order; a Reshape where only axes of length 1 move."""
        if order == tuple(range(len(order))):
            return act
        shape = tuple(act.type.shape[i] for i in order)
        long = [i for i in order if act.type.shape[i] != 1]
        op: Op = Reshape(shape) if long == sorted(long) else Transpose(order)
        role = "reshape" if isinstance(op, Reshape) else "transpose"
        name, made = self.emit(call, op, act, role=role)
        back = inverse(order)
        return replace(act, name=name, type=made, perm=tuple(back[p] for p in act.perm))

    def ordered(self, call: Call, act: Act, perm: Shape) -> Act:
        """The same ONNX value in an IR value whose axes have that relation to it."""
        act = self.plain(call, act)
        assert len(perm) == len(act.perm)
        return self._move(call, act, tuple(act.perm[i] for i in inverse(perm)))

    def last(self, call: Call, act: Act, axis: int) -> Act:
        """The same value with an ONNX axis (batch not counted) as the IR's last."""
        act = self.plain(call, act)
        order = [i for i in range(len(act.perm)) if i != act.perm[axis]] + [act.perm[axis]]
        return self._move(call, act, tuple(order))

    def batched(self, call: Call, act: Act) -> Act:
        """The same value with ONNX's axis 0 as the batch."""
        if act.batch is not None:
            return act
        act = self.plain(call, act)
        if not act.shape or act.shape[0] != 1:
            raise call.unsupported(
                f"its operand {list(act.shape)} has {act.shape[0] if act.shape else 0} samples",
                "export the model for one sample: shape (1, ...)",
            )
        return replace(self.reshaped(call, act, act.shape[1:]), batch=1)

    def unbatched(self, call: Call, act: Act) -> Act:
        """The same value with the batch as an ordinary axis."""
        if act.batch is None:
            return act
        if act.batch != 1:
            raise MixesBatchError
        act = self.plain(call, act)
        name, made = self.emit(call, Reshape((1, *act.type.shape)), act, role="batch")
        return Act(name, made, (0, *(p + 1 for p in act.perm)), None)

    def image(self, call: Call, i: int = 0) -> Act:
        """Operand i of an operator on (n, c, h, w), or (n, c, w), as an IR image (h, w, c)."""
        act = self.batched(call, call.act(i))
        if len(act.perm) == 2:  # (c, w): an image of height 1
            act = self.ordered(call, act, (1, 0))
            name, made = self.emit(call, Reshape((1, *act.type.shape)), act, role="image")
            return Act(name, made, IMAGE, act.batch)
        if len(act.perm) != 3:
            raise call.unsupported(
                f"its operand has {len(act.shape)} axes", "1-D and 2-D images can be compiled"
            )
        return self.ordered(call, act, IMAGE)

    def from_image(self, call: Call, made: tuple[str, TensorType], rank: int, batch: int) -> Act:
        """The result of an operator on images, with the rank that its operand had in ONNX."""
        name, t = made
        if rank == 4:
            return Act(name, t, IMAGE, batch)
        name, t = self.emit(call, Reshape(t.shape[1:]), Act(name, t, (0, 1, 2)), role="sequence")
        return Act(name, t, (1, 0), batch)

    def reshape(self, call: Call, act: Act, target: Shape) -> Act:
        """ONNX's Reshape to a whole shape, batch included."""
        n = int(np.prod(target, dtype=np.int64))
        if n != int(np.prod(act.shape, dtype=np.int64)):
            raise call.error(f"{list(act.shape)} cannot become {list(target)}")
        back = self._undone(call, act, target)
        if back is not None:
            return back
        made = self._to_shape(call, act, target)
        if made.batch == act.batch is not None:
            self.origins[made] = Origin(act, made.sample)
        return made

    def _undone(self, call: Call, act: Act, target: Shape) -> Act | None:
        """What a reshape gives that undoes another, around affine steps."""
        origin = self.origins.get(act)
        if origin is None or not origin.steps or origin.act.shape != target:
            return None
        steps = origin.around()
        if steps is None:
            return None
        x = origin.act
        for i, (op, array) in enumerate(steps):
            role = f"around{i}"
            x = self.like(x, self.emit(call, op, x, self.data(call, array, x, role), role=role))
        return x

    def _to_shape(self, call: Call, act: Act, target: Shape) -> Act:
        keeps = bool(target) and act.batch is not None and target[0] == act.batch
        if act.batch not in (None, 1) and not keeps:
            raise MixesBatchError
        if target and target[0] == 1 and not keeps:
            return replace(self.reshaped(call, act, target[1:]), batch=1)
        if keeps:
            return self.reshaped(call, act, target[1:])
        return replace(self.reshaped(call, act, target), batch=None)

    def reshaped(self, call: Call, act: Act, target: Shape) -> Act:
        """The value in another shape, batch not counted."""
        if act.sample == target:
            return act
        act = self.plain(call, act)
        groups = regroup(act.sample, target)
        long = non_unit(act.type.shape)
        at = {axis: long.index(axis) for axis in long}
        placed = [[at[act.perm[s]] for s in source] for source, _ in groups]
        if any(p != list(range(p[0], p[0] + len(p))) for p in placed):
            if len(target) == 1:
                name, made = self.emit(call, Reshape(target), act)
                return Act(name, made, (0,), act.batch, Fold(act.type.shape, act.perm))
            return self.reshaped(call, self._gathered(call, act, groups), target)
        return self._regrouped(call, act, target, groups, placed)

    def _gathered(self, call: Call, act: Act, groups: list[tuple[list[int], list[int]]]) -> Act:
        """Axes that a reshape joins, moved together."""
        order = [i for i, s in enumerate(act.type.shape) if s == 1]
        for source, _ in sorted(groups, key=lambda g: max(act.perm[s] for s in g[0])):
            order += [act.perm[s] for s in source]
        return self._move(call, act, tuple(order))

    def _regrouped(
        self,
        call: Call,
        act: Act,
        target: Shape,
        groups: list[tuple[list[int], list[int]]],
        placed: list[list[int]],
    ) -> Act:
        """A reshape whose groups are in one piece in the IR value."""
        by_place = sorted(range(len(groups)), key=lambda g: placed[g][0])
        order = [t for g in by_place for t in groups[g][1]]
        for unit in reversed([i for i, s in enumerate(target) if s == 1]):
            # in front of the axis that follows it in ONNX; behind all others: at the very front
            at = order.index(unit + 1) if unit + 1 < len(target) else 0
            order.insert(at, unit)
        shape = tuple(target[t] for t in order)
        perm = tuple(order.index(t) for t in range(len(target)))
        if shape == act.type.shape:
            return Act(act.name, act.type, perm, act.batch)
        name, made = self.emit(call, Reshape(shape), act)
        return Act(name, made, perm, act.batch)

    def data(self, call: Call, array: Array, like: Act, role: str) -> str:
        """A constant operand of an elementwise operator, in the layout of another operand."""
        assert array.ndim <= len(like.perm)
        if like.fold is not None and array.size > 1:
            placed = np.empty_like(array)
            placed[like.fold.order] = array
            array = placed
        full = array.reshape((1,) * (len(like.perm) - array.ndim) + array.shape)
        moved = full.transpose(inverse(like.perm))
        while moved.ndim and moved.shape[0] == 1:
            moved = moved[0]
        name = self.constant(call, moved, role)
        if not like.perm:  # beside a number a vector of one would make a vector
            self.constants[name] = self.constants[name].reshape(())
        return name
