"""Resource variables: what a model keeps from one call to the next.

VAR_HANDLE names a variable, READ_VARIABLE gives its value, ASSIGN_VARIABLE a new one. CALL_ONCE
names a graph that assigns what is there before the first call.
"""

from __future__ import annotations

from edgeprune.errors import EdgePruneError, UnsupportedError
from edgeprune.frontends.from_tflite.file import Operator, Tensor, option
from edgeprune.frontends.from_tflite.reader import Reader
from edgeprune.ops import Reshape

WITHOUT_RESULT = frozenset(("ASSIGN_VARIABLE", "CALL_ONCE"))


def follow(r: Reader, op: Operator) -> bool:
    """Take note of an operator on a variable; whether it is one."""
    if op.name == "CALL_ONCE":
        _once(r, op)
    elif op.name == "VAR_HANDLE":
        r.states.handles[op.outputs[0]] = _key(op)
    elif op.name == "READ_VARIABLE":
        _read(r, op)
    elif op.name == "ASSIGN_VARIABLE":
        _assign(r, op)
    else:
        return False
    return True


def _key(op: Operator) -> str:
    """A variable's name: VarHandleOptions(container, shared_name)."""
    names = ("", "") if op.options is None else (op.options.text(0), op.options.text(1))
    return "/".join(n for n in names if n)


def _variable(r: Reader, op: Operator) -> str:
    key = r.states.handles.get(op.inputs[0]) if op.inputs else None
    if key is None:
        raise EdgePruneError(r.where(op), "names no variable: its first operand is no VAR_HANDLE")
    return key


def _once(r: Reader, op: Operator) -> None:
    """CALL_ONCE: CallOnceOptions(init_subgraph_index)."""
    graph = r.file.once.get(int(option(op, 0, "i")))
    if graph is None:
        raise EdgePruneError(r.where(op), "calls a graph that the file does not have")
    handles: dict[int, str] = {}
    for step in graph.operators:
        if step.name == "VAR_HANDLE" and step.outputs:
            handles[step.outputs[0]] = _key(step)
        elif step.name == "ASSIGN_VARIABLE" and len(step.inputs) == 2:
            held = graph.tensors[step.inputs[1]].data
            if step.inputs[0] not in handles or held is None:
                raise UnsupportedError(r.where(op), "sets variables to what is no constant")
            r.states.initial[handles[step.inputs[0]]] = held
        else:
            what = f"calls {step.name} before the first call; only constants are assigned there"
            raise UnsupportedError(r.where(op), what)


def _read(r: Reader, op: Operator) -> None:
    key, t = _variable(r, op), r.result(op)
    kind = r.activation_type(t)
    if key not in r.states.now:
        _begin(r, op, key, t)
    elif r.known[r.states.now[key]] != kind:
        raise UnsupportedError(r.where(op), f"reads the variable {key!r} as another type")
    else:
        r.add(op, Reshape(kind.shape), (r.states.now[key],))


def _begin(r: Reader, op: Operator, key: str, t: Tensor) -> None:
    """The first that is read of a variable in a call: what the last call left."""
    kind, held = r.activation_type(t), r.states.initial.get(key)
    if held is None:
        raise UnsupportedError(r.where(op), f"reads the variable {key!r}, which nothing sets first")
    if held.size != kind.size or held.dtype != kind.dtype.numpy:
        what = f"is {t.dtype.value} {list(t.shape)}, but begins as {held.dtype} {list(held.shape)}"
        raise EdgePruneError(r.where(op), what)
    if t.name in r.known:
        raise EdgePruneError(r.where(op), f"{t.name!r} is computed twice")
    r.inputs[t.name] = r.known[t.name] = kind
    r.states.read[key] = r.states.now[key] = t.name


def _assign(r: Reader, op: Operator) -> None:
    key = _variable(r, op)
    value = r.value(op, 1)
    first = r.states.read.get(key)
    if value not in r.known:
        raise UnsupportedError(r.where(op), f"sets the variable {key!r} to a constant")
    if first is not None and r.known[value] != r.known[first]:
        what = f"changes the type of the variable {key!r}: {r.known[first]} to {r.known[value]}"
        raise UnsupportedError(r.where(op), what)
    r.states.now[key] = value
