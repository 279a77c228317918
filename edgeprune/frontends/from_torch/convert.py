"""Walks the nodes of an exported program and hands each to the table."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from edgeprune.errors import EdgePruneError, UnsupportedError
from edgeprune.frontends.from_onnx.assembly import Assembly
from edgeprune.frontends.from_onnx.fold_qdq import fold_qdq
from edgeprune.frontends.from_onnx.index import HINT as INDEX_HINT
from edgeprune.frontends.from_onnx.index import KEPT, NUMBERS_HINT
from edgeprune.frontends.from_onnx.index import refusal as counted
from edgeprune.frontends.from_onnx.value import Act, Index, Known, Value
from edgeprune.frontends.from_torch.archive import FLOAT32, HINT, TRUTH, Program
from edgeprune.frontends.from_torch.call import Aten
from edgeprune.frontends.from_torch.quantised import NAMESPACE
from edgeprune.frontends.from_torch.table import TABLE
from edgeprune.frontends.refusals import Refusal
from edgeprune.ir import DType, Graph, TensorType
from edgeprune.ops import Dequantize, Quantize

IMAGE_OPS = frozenset(
    "conv1d conv2d conv_transpose1d conv_transpose2d convolution max_pool1d max_pool2d batch_norm "
    "max_pool2d_with_indices avg_pool1d avg_pool2d adaptive_avg_pool2d _adaptive_avg_pool2d "
    "_native_batch_norm_legit_no_training upsample_nearest2d upsample_bilinear2d".split()
)
ORDERED_OPS = frozenset("permute transpose view reshape linear addmm matmul mm squeeze".split())

INTEGERS_HINT = "export with a float32 example"
INPUTS = {FLOAT32: DType.FLOAT32, 4: DType.INT32, 5: DType.INT64}
"""By the number of an element type in torch's schema."""

SYMBOLIC: dict[str, Callable[[int, int], int]] = {
    "_operator.add": operator.add,
    "_operator.sub": operator.sub,
    "_operator.mul": operator.mul,
    "_operator.floordiv": operator.floordiv,
}


def convert(program: Program, name: str, *, batched: bool) -> Graph:
    """The whole program.

    Args:
        program: what the file says.
        name: the graph's name.
        batched: whether axis 0 of an input is a batch also where its length is not 1.

    Raises:
        MixesBatchError: with ``batched``, where the program does not treat axis 0 as a batch.
    """
    try:
        return _Conversion(program, batched).run(name)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as e:
        raise EdgePruneError(
            program.where, f"is malformed: {type(e).__name__} {str(e)[:100]}", HINT
        ) from e


def _label(target: str) -> str:
    """The operator's name without namespace and overload."""
    return target.removeprefix("torch.ops.aten.").removeprefix(NAMESPACE).split(".")[0]


class _Conversion:
    def __init__(self, program: Program, batched: bool) -> None:
        self.program = program
        self.made = Assembly(program.where, batched)
        self.values: dict[str, Any] = {}

    def run(self, name: str) -> Graph:
        needed = self._needed()
        for spec in self.program.signature["input_specs"]:
            self._input(spec, needed)
        for node in self.program.graph["nodes"]:
            if any(v in needed for v in _made(node)):
                self._node(node)
        self.made.check()
        outputs: list[tuple[str, Any, DType]] = []
        specs = self.program.signature["output_specs"]
        for spec, key in zip(specs, self._output_names(), strict=True):
            if "user_output" not in spec:
                raise UnsupportedError(
                    self.program.where, "changes its own buffers", "export model.eval()"
                )
            if "as_none" in spec["user_output"]["arg"]:
                continue
            if "as_tensor" not in spec["user_output"]["arg"]:
                at = f"{self.program.where}: output {key or str(len(outputs))!r}"
                raise UnsupportedError(at, "is a constant, no tensor", "let forward give tensors")
            value = spec["user_output"]["arg"]["as_tensor"]["name"]
            outputs.append((key or value, self.values[value], DType.FLOAT32))
        self.made.give(outputs)
        graph = self.made.graph(name, "torch")
        if any(isinstance(n.op, Quantize | Dequantize) for n in graph.nodes):
            return fold_qdq(graph, self.made.reader.scales)
        return graph

    def _output_names(self) -> list[str]:
        """The keys that the module gives its outputs with, where they tell them apart; or ""."""
        names, count = [*self.program.names], len(self.program.signature["output_specs"])
        inputs = {port.name for port in self.made.ports.values()}
        told = [name for name in names if name]
        is_clear = len(names) == count and len({*told} | inputs) == len(told) + len(inputs)
        return names if is_clear else [""] * count

    def _needed(self) -> set[str]:
        """Values that the outputs depend on."""
        producer = {v: n for n in self.program.graph["nodes"] for v in _made(n)}
        todo = [o["as_tensor"]["name"] for o in self.program.graph["outputs"] if "as_tensor" in o]
        needed: set[str] = set()
        while todo:
            v = todo.pop()
            if v in needed:
                continue
            needed.add(v)
            for entry in producer[v]["inputs"] if v in producer else ():
                todo += _names(entry["arg"])
        return needed

    # -- inputs ----------------------------------------------------------------------------------

    def _input(self, spec: Mapping[str, Any], needed: set[str]) -> None:
        ((kind, body),) = spec.items()
        arg = body["arg"]
        value = arg["name"] if "name" in arg else arg.get("as_tensor", {}).get("name")
        if kind == "user_input":
            if value in needed:
                self._user_input(value)
            return
        held = body.get(f"{kind}_name", body.get("tensor_constant_name"))
        if value not in needed:
            return
        if held not in self.program.tensors:
            raise EdgePruneError(
                f"{self.program.where}: tensor {held!r}",
                "is not in the file as plain numbers",
                HINT,
            )
        self.values[value] = Known(self.program.tensors[held], held)

    def _user_input(self, value: str) -> None:
        where = f"{self.program.where}: input {value!r}"
        meta = self.program.graph["tensor_values"][value]
        dtype = INPUTS.get(meta["dtype"])
        if dtype is None:
            raise UnsupportedError(where, "is not float32, int32 or int64", INTEGERS_HINT)
        shape, free = [], False
        for axis, size in enumerate(meta["sizes"]):
            fixed = size.get("as_int")
            if fixed is None and axis > 0:
                raise EdgePruneError(
                    where,
                    f"axis {axis} has no fixed length",
                    "export without dynamic_shapes for it",
                )
            free |= fixed is None
            shape.append(1 if fixed is None else int(fixed))
        kind = TensorType((), DType.FLOAT32 if dtype is DType.FLOAT32 else DType.INT32)
        rank = len(shape) - (1 if len(shape) > 1 else 0)
        image = not kind.is_index and self._is_image(value, rank)
        self.values[value] = self.made.input(
            value, shape, free=free, image=image, dtype=dtype, kind=kind
        )

    def _is_image(self, name: str, rank: int) -> bool:
        """Whether the first operator that cares reads an image; two axes and channels are one."""
        seen = {name}
        for node in self.program.graph["nodes"]:
            if not any(seen.intersection(_names(e["arg"])) for e in node["inputs"]):
                continue
            label = _label(node["target"])
            if label in IMAGE_OPS:
                return True
            if label in ORDERED_OPS:
                return False
            seen.update(_made(node))
        return rank == 3

    # -- nodes -----------------------------------------------------------------------------------

    def _node(self, node: Mapping[str, Any]) -> None:
        target, results = node["target"], _made(node)
        name = node.get("name") or (results[0] if results else target)
        kind = _label(target).rstrip("_") if target.startswith("torch.ops.aten.") else target
        if self._symbolic(node, results):
            return None
        kind = _label(target) if _label(target) in TABLE else kind
        read = [self.values.get(v) for e in node["inputs"] for v in _names(e["arg"])]
        index = next((v for v in read if isinstance(v, Index)), None)
        if index is not None and kind in KEPT:
            self.values |= dict.fromkeys(results, index)
            return None
        if index is not None:
            return self._refuse(results, Refusal(kind, name, "computes with an index", INDEX_HINT))
        if kind not in TABLE:
            return self._refuse(results, Refusal(kind, name))
        if why := counted(kind, read):
            return self._refuse(results, Refusal(kind, name, why, NUMBERS_HINT))
        args = {e["name"]: self._argument(e["arg"]) for e in node["inputs"]}
        if any(v is None for e in node["inputs"] for n in _names(e["arg"])
               for v in [self.values[n]]):  # fmt: skip
            self.values |= dict.fromkeys(results)
            return None
        where = f"{self.program.where}: {name!r} ({kind})"
        call = Aten(self.made.reader, name, where, args, len(results))
        try:
            made = TABLE[kind](call)
        except UnsupportedError as e:
            return self._refuse(results, Refusal(kind, name, e.what, e.hint))
        except EdgePruneError:
            if not self.made.refused:
                raise
            made = []  # maybe because of what was refused
        rows: Sequence[Value | Index | None] = (
            [made] if isinstance(made, Act | Known | Index) else made
        )
        for v, row in zip(results, [*rows, *[None] * len(results)], strict=False):
            truth = self.program.graph["tensor_values"].get(v, {}).get("dtype") == TRUTH
            self.values[v] = replace(row, truth=truth) if isinstance(row, Act) else row
        return None

    def _refuse(self, results: Sequence[str], why: Refusal) -> None:
        """Remember it, and go on with values of the shapes that its results have."""
        self.made.refused.append(why)
        for v in results:
            meta = self.program.graph["tensor_values"].get(v, {"sizes": []})
            sizes = [int(size.get("as_int") or 1) for size in meta["sizes"]]
            self.values[v] = self.made.stand_in(sizes)

    def _symbolic(self, node: Mapping[str, Any], results: Sequence[str]) -> bool:
        """Arithmetic on lengths: all are known."""
        target = node["target"]
        args = [self._argument(e["arg"]) for e in node["inputs"]] if (
            target in SYMBOLIC or _label(target) == "sym_size"
        ) else []  # fmt: skip
        if not args:
            return False
        if target in SYMBOLIC:
            self.values[results[0]] = SYMBOLIC[target](int(args[0]), int(args[1]))
        else:
            self.values[results[0]] = args[0].shape[int(args[1])]
        return True

    def _argument(self, arg: Mapping[str, Any]) -> Any:
        ((kind, value),) = arg.items()
        if kind == "as_none":
            return None
        if kind == "as_tensor":
            return self.values[value["name"]]
        if kind == "as_tensors":
            return [self.values[n] for n in _names(arg)]
        if kind == "as_optional_tensors":
            names = [v["as_tensor"]["name"] if "as_tensor" in v else None for v in value]
            return [None if n is None else self.values[n] for n in names]
        if kind in ("as_sym_int", "as_sym_float"):
            return self._length(value)
        if kind == "as_sym_ints":
            return [self._length(v) for v in value]
        return value

    def _length(self, value: Mapping[str, Any]) -> Any:
        if "as_name" in value:
            return self.values[value["as_name"]]
        return value["as_int"] if "as_int" in value else value["as_float"]


def _made(node: Mapping[str, Any]) -> list[str]:
    """Names of a node's results."""
    return [name for arg in node["outputs"] for name in _names(arg)]


def _names(arg: Mapping[str, Any]) -> list[str]:
    """Names of values in an argument."""
    ((kind, value),) = arg.items()
    if kind == "as_tensor":
        return [value["name"]]
    if kind == "as_tensors":
        return [v["name"] for v in value]
    if kind == "as_optional_tensors":
        return [v["as_tensor"]["name"] for v in value if "as_tensor" in v]
    if kind == "as_sym_int":
        return [value["as_name"]] if "as_name" in value else []
    if kind == "as_sym_ints":
        return [v["as_name"] for v in value if "as_name" in v]
    return []
