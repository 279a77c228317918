"""The C statements of one kernel call, with what unpacks its weights in front of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from edgeprune.kernels.call import KernelCall, Stage


@dataclass(frozen=True)
class Operands:
    """C expressions of what a call is given.

    Attributes:
        params: the parameter struct; "" where there is none.
        arrays: names of its arrays in flash.
        inputs: pointers to activations.
        scratch: address of its scratch, in bytes.
        output: pointer to the result.
        rescale: the parameters of what writes its scales; "" where nothing does.
    """

    params: str
    arrays: Sequence[str]
    inputs: Sequence[str]
    scratch: str
    output: str
    rescale: str = ""


def passed_where_it_begins(call: KernelCall) -> tuple[KernelCall, int]:
    """A call that reads its first input from some byte on, and that byte, which is left to add.

    Cuts of the steps of a recurrent layer then differ in a place alone: they share their
    parameters, and :mod:`edgeprune.emit.to_c.repeat` makes a loop of them.
    """
    start = dict(call.params).get("x_start", 0)
    assert isinstance(start, int)
    params = tuple((k, 0 if k == "x_start" else v) for k, v in call.params)
    return replace(call, params=params), start


def statements(call: KernelCall, at: Operands) -> list[str]:
    """One link of a chain: a call, or a loop of them over parts of its output channels."""
    stage = call.stage
    lead = [f"&{at.params}"] if call.params_type else []
    scratch = [at.scratch] if call.own_scratch_bytes else []
    if stage is None:
        return [_spelled(call.function, [*lead, *at.arrays, *at.inputs, *scratch, at.output])]
    each = [int(c.values.size) // stage.parts for c in call.constants]
    codes, values, *others = (
        name if c.role == "values" else _share(name, n, stage)
        for c, name, n in zip(call.constants, at.arrays, each, strict=True)
    )
    first, looked_up = [], values
    if stage.table:
        looked_up = f"(uint16_t *)(void *)({at.scratch} + {stage.table_at})"
        kinds, tied = str(stage.kinds), str(int(stage.paired > 0))
        first = [_spelled("ep_pair_table_s8", [values, kinds, tied, looked_up])]
    unpacked = f"(int8_t *)({at.scratch} + {stage.at})"
    loose = stage.count - stage.paired if stage.paired else 0
    output = _share(at.output, stage.step, stage)
    writing = []
    if (scales := stage.rescaling) is not None:
        to = f"{at.scratch} + {scales.at}"
        words = f"(int32_t *)(void *)({to})"
        writing = [_spelled(scales.function, [f"&{at.rescale}", *others, words])]
        others = [f"({kind} *)(void *)({to} + {begin})" for kind, begin in scales.arrays]
    lines = [
        *writing,
        _spelled(stage.function, [codes, str(stage.count), looked_up, unpacked]),
        *([_untied(f"{at.scratch} + {stage.at + stage.paired}", loose)] if loose else []),
        _spelled(call.function, [*lead, unpacked, *others, *at.inputs, *scratch, output]),
    ]
    if stage.parts == 1:
        return first + lines
    head = f"for (int32_t part = 0; part < {stage.parts}; part++) {{"
    return [*first, head, *(f"    {line}" for line in lines), "}"]


def _untied(place: str, n: int) -> str:
    return _spelled("ep_untie_s8", [f"(int8_t *)({place})", str(n)])


def _spelled(function: str, arguments: Sequence[str]) -> str:
    return f"{function}({', '.join(arguments)});"


def _share(pointer: str, each: int, stage: Stage) -> str:
    """What belongs to the part that the loop is at."""
    return pointer if stage.parts == 1 else f"{pointer} + part * {each}"
