"""LiteRT's interpreter: with its reference kernels as far as there are any, or as apps run it.

LiteRT has no reference kernel for some operators (ELU). A file with one is cut there: that operator
runs under LiteRT's other kernels, which round in ways of their own, and all the rest still runs
under the reference kernels.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from edgeprune.errors import EdgePruneError
from edgeprune.frontends.from_tflite.codes import DECODE
from edgeprune.frontends.from_tflite.file import read_file
from edgeprune.ir import Array
from edgeprune.progress import silenced

_REFERENCE, _PLAIN = "BUILTIN_REF", "BUILTIN_WITHOUT_DEFAULT_DELEGATES"
_LACKING = re.compile(r"Didn't find op for builtin opcode '(\w+)'")


DELEGATE = "DELEGATE"


@dataclass(frozen=True)
class Operator:
    """A node of the graph that runs, with the numbers of its tensors; a delegate is one, too."""

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


class Interpreter:
    """A file that is ready to run.

    Args:
        content: the file; well formed.
        default: run it as apps do, with LiteRT's default kernels and delegate (XNNPACK).

    Attributes:
        inputs: what LiteRT says of the tensors that it takes.
        outputs: likewise of those that it gives.

    Raises:
        EdgePruneError: LiteRT does not take it.
    """

    def __init__(self, content: bytes, *, default: bool = False) -> None:
        workers = [_open(content, "AUTO")] if default else _workers(content, frozenset())
        self._workers = workers
        first, last = self._workers[0], self._workers[-1]
        self.inputs: Sequence[Mapping[str, Any]] = first.get_input_details()
        self.outputs: Sequence[Mapping[str, Any]] = last.get_output_details()
        if len(self._workers) > 1:
            graph = _unpacked(content).subgraphs[0]
            known = {d["index"]: d for w in self._workers for d in w.get_tensor_details()}
            self.inputs = [known[i] for i in graph.inputs]
            self.outputs = [known[i] for i in graph.outputs]

    @property
    def operators(self) -> list[Operator]:
        """Those of the file, and behind them the delegates that run some of them."""
        return [
            Operator(d["op_name"], tuple(map(int, d["inputs"])), tuple(map(int, d["outputs"])))
            for worker in self._workers
            for d in worker._get_ops_details()
        ]

    def invoke(self) -> None:
        """One more inference of the same inputs."""
        for worker in self._workers:
            worker.invoke()

    def run(self, feeds: Sequence[Array]) -> list[Array]:
        """One inference; inputs and outputs have the batch in front."""
        known = {d["index"]: x for d, x in zip(self.inputs, feeds, strict=True)}
        for worker in self._workers:
            for detail in worker.get_input_details():
                worker.set_tensor(detail["index"], known[detail["index"]])
            worker.invoke()
            for detail in worker.get_output_details():
                known[detail["index"]] = worker.get_tensor(detail["index"])
        return [known[d["index"]] for d in self.outputs]


def repaired(content: bytes) -> bytes:
    """A file that was read already, as LiteRT takes it.

    Biases are scaled along the only axis that they have: some files give them the axis of the
    weights, which TFLite Micro ignores and LiteRT refuses. What only TFLite Micro decodes is there
    as the constants that it makes.
    """
    model = _unpacked(content)
    changes = [_rescale(model), _decode(model, content)]
    return _packed(model) if any(changes) else content


def _rescale(model: Any) -> bool:
    """Give biases the axis that they have; whether one had another."""
    wrong = [
        t.quantization
        for graph in model.subgraphs
        for t in graph.tensors
        if t.quantization is not None and t.quantization.quantizedDimension
        and t.shape is not None and len(t.shape) == 1
    ]  # fmt: skip
    for quantisation in wrong:
        quantisation.quantizedDimension = 0
    return bool(wrong)


def _decode(model: Any, content: bytes) -> bool:
    """Put constants in the place of the operators that make them of codes; whether there are any.

    Other constants stay as they are stored, byte for byte.
    """
    from ai_edge_litert.schema_py_generated import BufferT

    graph, codes = model.subgraphs[0], model.operatorCodes
    custom = [k for k, code in enumerate(codes) if code.customCode == DECODE.encode()]
    decodes = [op for op in graph.operators if op.opcodeIndex in custom]
    if not decodes:
        return False
    read = read_file(".tflite", content).tensors
    for number in (n for op in decodes for n in op.outputs):
        graph.tensors[number].buffer = len(model.buffers)
        data = read[number].data
        assert data is not None
        model.buffers.append(BufferT())
        model.buffers[-1].data = np.frombuffer(data.tobytes(), np.uint8)
    graph.operators = [op for op in graph.operators if op.opcodeIndex not in custom]
    _keep_used(model, codes, graph.operators)
    return True


def _keep_used(model: Any, codes: Sequence[Any], operators: Sequence[Any]) -> None:
    """List no other operators: LiteRT wants a kernel for every one that is listed, used or not."""
    used = sorted({op.opcodeIndex for op in operators})
    model.operatorCodes = [codes[k] for k in used]
    for op in operators:
        op.opcodeIndex = used.index(op.opcodeIndex)


def _packed(model: Any) -> bytes:
    import flatbuffers

    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _workers(content: bytes, lacking: frozenset[str]) -> list[Any]:
    """LiteRT's interpreters for the pieces of a file."""
    try:
        return [
            _open(piece, _REFERENCE if ok else _PLAIN) for piece, ok in _pieces(content, lacking)
        ]
    except _LackError as e:
        if e.name in lacking:
            raise EdgePruneError(".tflite", f"LiteRT has no kernel for {e.name}") from None
        return _workers(content, lacking | {e.name})


class _LackError(Exception):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def _open(content: bytes, kernels: str) -> Any:
    """LiteRT's own interpreter.

    Args:
        content: a file.
        kernels: a name in ``OpResolverType``.

    Raises:
        _LackError: there is no reference kernel for an operator.
        EdgePruneError: the file cannot be run.
    """
    from ai_edge_litert import interpreter as litert

    kind = litert.OpResolverType[kernels]
    try:
        # a delegate says on stderr that it was made
        with silenced() if kernels == "AUTO" else nullcontext():
            worker = litert.Interpreter(
                model_content=content, experimental_op_resolver_type=kind, num_threads=1
            )
            worker.allocate_tensors()
            worker.get_input_details(), worker.get_output_details()
    except UnicodeDecodeError:  # of a name, which it decodes whenever it tells of a tensor
        raise EdgePruneError(
            ".tflite", "it is damaged: a tensor's name is not UTF-8", "export or download it again"
        ) from None
    except (RuntimeError, ValueError) as e:
        found = _LACKING.search(str(e))
        if kernels == _REFERENCE and found:
            raise _LackError(found[1]) from None
        raise EdgePruneError(".tflite", f"LiteRT refuses it: {str(e).strip()}") from None
    return worker


def _unpacked(content: bytes) -> Any:
    """All tables of a file as objects, also those that the reader leaves alone.

    Raises:
        EdgePruneError: one of them is damaged.
    """
    from ai_edge_litert import schema_py_generated as schema

    try:
        return schema.ModelT.InitFromPackedBuf(content)
    # what the generated code raises: it checks nothing before it reads
    except (struct.error, ValueError, TypeError, IndexError, AttributeError, OverflowError) as e:
        raise EdgePruneError(".tflite", f"it is damaged: {e}") from None


def _pieces(content: bytes, lacking: frozenset[str]) -> Iterator[tuple[bytes, bool]]:
    """The file in stretches of operators, each with whether reference kernels can run it.

    All pieces have the file's tensors by their numbers; what is made in one and read in another is
    an output and an input.
    """
    if not lacking:
        yield content, True
        return
    from ai_edge_litert import schema_py_generated as schema

    model = _unpacked(content)
    graph = model.subgraphs[0]
    model.signatureDefs, model.metadata = None, None
    whole, wanted, all_codes = graph.operators, set(graph.outputs), model.operatorCodes
    codes = {getattr(schema.BuiltinOperator, name) for name in lacking}

    def plain(operator: Any) -> bool:
        code = all_codes[operator.opcodeIndex]
        return max(code.builtinCode, code.deprecatedBuiltinCode) not in codes

    stretches = [(ok, list(ops)) for ok, ops in groupby(whole, plain)]
    made = set(graph.inputs)
    for i, (ok, operators) in enumerate(stretches):
        later = {t for _, ops in stretches[i + 1 :] for op in ops for t in op.inputs}
        here = {t for op in operators for t in op.outputs}
        _keep_used(model, all_codes, operators)
        graph.operators = operators
        graph.inputs = sorted(made & {t for op in operators for t in op.inputs})
        graph.outputs = sorted(here & (later | wanted))
        made |= here
        yield _packed(model), ok
