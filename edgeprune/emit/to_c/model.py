"""The model's own .c: constants in flash, and a straight list of kernel calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgeprune.emit.to_c.calls import Operands, passed_where_it_begins, statements
from edgeprune.emit.to_c.feed import feed_of, feed_text
from edgeprune.emit.to_c.header import banner, guard, prototype, write_header
from edgeprune.emit.to_c.program import Program, c_type
from edgeprune.emit.to_c.repeat import Lines, rolled
from edgeprune.emit.to_c.rows import RowLayer, RowLoop
from edgeprune.emit.to_c.state import members_of, reset
from edgeprune.emit.to_c.writer import Names, array, comment, model_name, number, numbered
from edgeprune.ir import Node, Span
from edgeprune.kernels.call import Constant, KernelCall, Params
from edgeprune.planner import aside


@dataclass(frozen=True)
class ModelText:
    """Names and text of one emitted model.

    Attributes:
        name: the C identifier that everything begins with.
        header: text of <name>.h.
        source: text of <name>.c.
        layers: the user's names of the layers, in the order of the EP_PROFILE marks.
        marks: of each, the mark that it runs under where its own is not written: in a loop, that
            of the first turn.
        weight_bytes: by layer, bytes of weights and biases.
        constant_bytes: by layer, bytes of all its arrays and parameters in flash.
    """

    name: str
    header: str
    source: str
    layers: tuple[str, ...]
    marks: tuple[int, ...]
    weight_bytes: dict[str, int]
    constant_bytes: dict[str, int]


def write_model(program: Program, name: str) -> ModelText:
    """The text of a model.

    Args:
        program: the lowered network.
        name: what it is called; made into an identifier.
    """
    ident = model_name(name)
    source = _Source(program, ident)
    text = source.text()
    under = source.under
    if program.fallback is not None:
        other = _Source(program.fallback, ident)
        assert other.layers == source.layers, "both forms run the same layers in the same order"
        text = f"#if {guard(program)}\n{text}#else\n{other.text()}#endif\n"
        under = other.under | under
    return ModelText(
        ident,
        write_header(program, ident),
        f"{banner(program)}\n{text}",
        tuple(source.layers),
        tuple(under.get(i, i) for i in range(len(source.layers))),
        source.weight_bytes,
        source.constant_bytes,
    )


def layer_prefixes(program: Program, name: str) -> dict[str, str]:
    """By layer that is a call, what the names of its constants and own functions begin with."""
    names = Names()
    order = [step for step in program.plan.order if step in program.calls]
    return {step: f"{model_name(name)}_{names.unique(step)}" for step in order}


class _Source:
    """Collects the pieces of <name>.c while the nodes are walked in the plan's order."""

    def __init__(self, program: Program, name: str) -> None:
        self.program = program
        self.name = name
        self.prefixes = layer_prefixes(program, name)
        self.layers: list[str] = []
        self.under: dict[int, int] = {}
        self.weight_bytes: dict[str, int] = {}
        self.constant_bytes: dict[str, int] = {}
        self._data: list[str] = []
        self._calls: list[Lines] = []
        self._arrays: dict[tuple[str, str, bytes], str] = {}
        self._headers: list[str] = []
        self._parameters: dict[tuple[str, Params], str] = {}
        self._feed = feed_of(program)
        self._functions: list[str] = []
        self._looped = 0
        self._place = self._places()
        nodes = {n.name: n for n in program.graph.nodes}
        span = program.plan.span
        for step in program.plan.order:
            if span is None or step not in span.names:
                self._node(nodes[step])
            elif step == span.nodes[0].name:
                self._span(span)

    def text(self) -> str:
        g, p = self.program.graph, self.name.upper()
        includes = "\n".join(f'#include "{h}"' for h in self._headers)
        statements = self._body()
        uses_arena = any("arena_" in line for call in self._calls for line in call)
        body = [
            f"    if (arena_bytes < {p}_ARENA_BYTES) {{",
            "        return EP_ARENA_SMALL;",
            "    }",
            "    if (((uintptr_t)arena & 3u) != 0) {",
            "        return EP_BAD_ALIGN;",
            "    }",
            *(["    uint8_t *const arena_ = (uint8_t *)arena;"] if uses_arena else []),
            *statements,
            "    return EP_OK;",
        ]
        return "\n".join(
            [
                f'#include "{self.name}.h"',
                "",
                *(["#include <string.h>", ""] if self._copies() or g.states or self._feed else []),
                includes,
                "",
                "#ifndef EP_PROFILE",
                "#define EP_PROFILE(layer) /* a mark in front of each layer, for profilers */",
                "#endif",
                "",
                *self._data,
                *reset(self.program.graph, self.name),
                *self._functions,
                prototype(self.program, self.name),
                "{",
                *body,
                "}",
                "",
                *([feed_text(self.program, self._feed, self.name)] if self._feed else []),
            ]
        )

    def _body(self) -> list[str]:
        """All calls; those behind an input that is fed by rows are a function that others share."""
        if self._feed is None:
            return [*self._rolled(self._calls), *self._copies()]
        outputs = zip(
            self.program.graph.outputs,
            numbered("output", len(self.program.graph.outputs)),
            strict=True,
        )
        types = {arg: c_type(self.program.graph.types[v]) for v, arg in outputs}
        declared = "".join(f", {t} *{arg}" for arg, t in types.items())
        head = f"static EP_NOINLINE void {self.name}_rest(uint8_t *arena_{declared})"
        rest = [*self._rolled(self._calls[self._looped :]), *self._copies()]
        self._functions += [head, "{", *rest, "}", ""]
        given = "".join(f", {arg}" for arg in types)
        ahead = [line for call in self._calls[: self._looped] for line in call]
        return [*ahead, f"    {self.name}_rest(arena_{given});"]

    def _rolled(self, calls: Sequence[Lines]) -> list[str]:
        """Statements of calls; those that repeat are in loops, whose tables are written."""
        spaces = {call.address_space for call in self.program.calls.values()}
        made = rolled(calls, self.name, max(spaces, default=""))
        self._data += made.data
        self.under |= made.under
        return made.lines

    def _places(self) -> dict[str, str]:
        """The C expression for the address of every activation, without a cast."""
        g = self.program.graph
        place: dict[str, str] = {}
        for v, arg in zip(g.arguments, numbered("input", len(g.arguments)), strict=True):
            place[v] = arg
        alias = {n.output: n.inputs[0] for n in g.nodes if n.name not in self.program.calls}

        def root(v: str) -> str:
            while v in alias:
                v = alias[v]
            return v

        members = members_of(g)
        for buffer, v in self.program.plan.kept.items():
            place[buffer] = f"state->{members[v]}"
        for v in g.states:  # one that is also a result is given where it is kept
            place[v] = f"state->{members[v]}"
        for v, arg in zip(g.results, numbered("output", len(g.results)), strict=True):
            place.setdefault(root(v), arg)
        for n in g.nodes:
            r = root(n.output)
            if r not in place:
                place[r] = f"arena_ + {self.program.plan.offset_of(r)}"
            place[n.output] = self._behind(place[r], n.output)
        return place

    def _behind(self, place: str, value: str) -> str:
        """Where a value begins in a buffer that begins at ``place``."""
        plan, t = self.program.plan, self.program.graph.types[value]
        at = plan.within.get(value, 0)
        if at and place.startswith("arena_"):
            return f"arena_ + {plan.offset_of(value)}"
        return f"{place} + {at // t.dtype.numpy.itemsize}" if at else place

    def _copies(self) -> list[str]:
        """Outputs that no call writes: an input, or a value that is already another output.

        Results come first: they may be what a state was.
        """
        g = self.program.graph
        wanted = dict(zip(g.results, numbered("output", len(g.results)), strict=True))
        members = members_of(g)
        wanted |= {after: f"state->{members[v]}" for v, after in g.states.items()}
        return [
            f"    memcpy({to}, {self._place[v]}, {g.types[v].nbytes}u);"
            for v, to in wanted.items()
            if self._place[v] != to
        ]

    def _pointer(self, value: str, *, const: bool) -> str:
        place = self._place[value]
        t = self.program.graph.types[value]
        if not place.startswith("arena_"):
            return place
        return f"({'const ' if const else ''}{c_type(t)} *)(void *)({place})"

    def _node(self, node: Node) -> None:
        call = self.program.calls.get(node.name)
        if call is None:
            return
        prefix = self.prefixes[node.name]
        mark = self._begin(node, call)
        lines = []
        done = 0
        for k, link in enumerate(call.chain):
            own = prefix if k == 0 else f"{prefix}_rest{k}"
            lines += statements(link, self._operands(node, link, own, done))
            done += link.stage.parts * link.stage.step if link.stage else 0
        self._calls.append(tuple(f"    {line}" for line in (mark, *lines)))

    def _begin(self, node: Node, call: KernelCall) -> str:
        """Files and functions of a layer; its mark for profilers."""
        index = len(self.layers)
        self.layers.append(node.name)
        shape = self.program.graph.types[node.output]
        self._data.append(f"/* {comment(node.name)} ({node.op.kind}) -> {shape} */")
        for header in (h for c in call.chain for h in c.headers):
            self._include(header)
        self._data += dict.fromkeys(c.instance for c in call.chain if c.instance)
        self.weight_bytes[node.name] = self.constant_bytes[node.name] = 0
        return f"EP_PROFILE({index}); /* {comment(node.name)} */"

    def _include(self, header: str) -> None:
        short = header.rsplit("/", 1)[-1]
        if short not in self._headers:
            self._headers.append(short)

    def _span(self, span: Span) -> None:
        """The loop of the layers that run by rows."""
        at = self.program.plan.offsets
        apart = {aside(v): f"arena_ + {at[aside(v)]}" for v in span.aside & span.lasting.keys()}
        loop = RowLoop(self.program.graph, span, self._place | apart, self._feed, self.name)
        for node in span.nodes:
            call, prefix = self.program.calls[node.name], self.prefixes[node.name]
            mark = self._begin(node, call)
            layer = RowLayer.of(node, prefix, call)
            if call.params_type:
                forms = (c.params for c in layer.forms)
                self._data.append(_struct(f"{prefix}_params", call.params_type, *forms))
            arrays = self._named(node, call, prefix)
            scratch = f"arena_ + {self._scratch(node, call)}"

            def spelled(
                form: KernelCall,
                params: str,
                inputs: Sequence[str],
                output: str,
                arrays: Sequence[str] = arrays,
                scratch: str = scratch,
            ) -> list[str]:
                return statements(form, Operands(params, arrays, inputs, scratch, output))

            loop.add(layer, mark, spelled)
        self._data += loop.data
        if loop.moves:
            self._include("include/ep_move_rows.h")
        self._calls.append(tuple(f"    {line}" for line in loop.lines))
        self._functions += loop.function
        self._looped = len(self._calls)

    def _operands(self, node: Node, call: KernelCall, prefix: str, done: int) -> Operands:
        """Writes the constants of one link of a chain, which begins ``done`` channels behind."""
        call, skipped = passed_where_it_begins(call)
        params, rescale = "", ""
        if call.params_type:
            params = self._shared(f"{prefix}_params", call.params_type, call.params)
        if call.stage and (scales := call.stage.rescaling):
            rescale = self._shared(f"{prefix}_rescaled", "ep_rescale_s8_params", scales.params)
        arrays = self._named(node, call, prefix)
        output = self._pointer(node.output, const=False)
        scratch = self._scratch(node, call)
        inputs = [self._pointer(v, const=True) for v in call.inputs]
        if skipped:
            item = self.program.graph.types[call.inputs[0]].dtype.numpy.itemsize
            inputs[0] += f" + {skipped // item}"
        return Operands(
            params,
            arrays,
            inputs,
            f"arena_ + {scratch}",
            f"{output} + {done}" if done else output,
            rescale,
        )

    def _scratch(self, node: Node, call: KernelCall) -> int:
        return self.program.plan.offsets[f"{node.name}:scratch"] if call.scratch_bytes else 0

    def _named(self, node: Node, call: KernelCall, prefix: str) -> list[str]:
        """Names of a call's arrays, which are written where they are new."""
        arrays = []
        for constant in call.constants:
            name, fresh = self._array(prefix, constant, call.address_space)
            arrays.append(name)
            self.constant_bytes[node.name] += int(constant.values.nbytes) if fresh else 0
            self.weight_bytes[node.name] += constant.weight_bytes if fresh else 0
        return arrays

    def _shared(self, name: str, kind: str, params: Params) -> str:
        """Name of some parameters; equal ones, as of the steps of a loop, are one."""
        if (kind, params) not in self._parameters:
            self._parameters[kind, params] = name
            self._data.append(_struct(name, kind, params))
        return self._parameters[kind, params]

    def _array(self, prefix: str, constant: Constant, space: str) -> tuple[str, bool]:
        """Name of the array, and whether it was not there before."""
        a = np.ascontiguousarray(constant.values)
        key = (space, constant.c_type, a.tobytes())
        if key in self._arrays:
            return self._arrays[key], False
        name = f"{prefix}_{constant.role}"
        self._arrays[key] = name
        self._data.append(array(name, a, constant.c_type, space))
        return name, True


def _struct(name: str, kind: str, *params: Params) -> str:
    """Parameters, or an array of several."""
    bodies = [
        "\n".join(f"    .{k} = {v if isinstance(v, str) else _scalar(v)}," for k, v in some)
        for some in params
    ]
    head = f"static const {kind} {name}"
    if len(bodies) == 1:
        return f"{head} = {{\n{bodies[0]}\n}};\n"
    return f"{head}[] = {{{{\n" + "\n}, {\n".join(bodies) + "\n}};\n"


def _scalar(v: float) -> str:
    return number(v, "float") if isinstance(v, float) else number(v, "int32_t")
