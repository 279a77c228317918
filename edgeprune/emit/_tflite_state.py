"""What a model keeps from call to call, as TFLite's resource variables.

Every state is a variable that is read before all other operators and assigned behind them; a graph
of its own, called once, sets them all before the first call.
"""

from __future__ import annotations

from collections.abc import Mapping

from edgeprune.emit._tflite_records import Operand, Use, batched
from edgeprune.ir import DType, Graph, TensorType, TfliteOp, initial_value

RELEASE = "2.6.0"
"""The first TensorFlow release whose runtime has these operators."""
NO_TYPE = TensorType((), DType.INT32)


def before(graph: Graph, states: Mapping[str, str]) -> list[Use]:
    """What runs before the network: variables are set in the first call, and read in each."""
    if not states:
        return []
    once = TfliteOp("CALL_ONCE", "CallOnceOptions", {"initSubgraphIndex": 1})
    reads = [
        Use(TfliteOp("READ_VARIABLE"), [_handle(graph, v)], _value(graph, v), 1) for v in states
    ]
    return [Use(once, [], None, 1), *(_named(graph, v) for v in states), *reads]


def behind(graph: Graph, states: Mapping[str, str]) -> list[Use]:
    """What runs behind it."""
    return [
        Use(TfliteOp("ASSIGN_VARIABLE"), [_handle(graph, v), _value(graph, after)], None, 1)
        for v, after in states.items()
    ]


def once(graph: Graph, states: Mapping[str, str]) -> list[Use]:
    """What sets the variables before the first call."""
    found = []
    for v in states:
        t = batched(graph.types[v])
        first = Operand(t, data=initial_value(graph, v)[None])
        assign = Use(TfliteOp("ASSIGN_VARIABLE"), [_handle(graph, v), first], None, 1)
        found += [_named(graph, v), assign]
    return found


def _named(graph: Graph, v: str) -> Use:
    shared = graph.said(v).encode()
    op = TfliteOp("VAR_HANDLE", "VarHandleOptions", {"sharedName": shared})
    return Use(op, [], _handle(graph, v), 1)


def _handle(graph: Graph, v: str) -> Operand:
    name = f"{v}/handle"
    while name in graph.types:
        name += "_"
    return Operand(NO_TYPE, name, handle=True)


def _value(graph: Graph, v: str) -> Operand:
    return Operand(batched(graph.types[v]), v)
