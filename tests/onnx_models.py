"""Small ONNX models made in memory, and what ONNX Runtime says that they compute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from edgeprune.ir import Array, Graph, Port, run
from edgeprune.verify import run_onnx


def node(op: str, *inputs: str, name: str = "", outputs: Sequence[str] = ("y",), **attributes: Any):
    """One ONNX node."""
    return helper.make_node(op, list(inputs), list(outputs), name or None, **attributes)


def model(
    nodes: Sequence[onnx.NodeProto],
    inputs: Mapping[str, Sequence[int | str]],
    constants: Mapping[str, Array] | None = None,
    *,
    outputs: Sequence[str] = ("y",),
    opset: int = 18,
) -> bytes:
    """A model file; outputs carry no shape, as exporters leave them."""
    infos = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs.items()]
    gives = [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in outputs]
    kept = [numpy_helper.from_array(np.asarray(a), n) for n, a in (constants or {}).items()]
    graph = helper.make_graph(list(nodes), "model", infos, gives, kept)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    made.ir_version = min(made.ir_version, 10)
    return made.SerializeToString()


def to_ir(x: Array, port: Port) -> Array:
    """The user's array (one sample) as the IR's, batch of 1 in front."""
    sample = x[0] if port.batched else x
    perm = port.perm or tuple(range(sample.ndim))
    return np.ascontiguousarray(sample.transpose(np.argsort(perm))[None])


def to_user(y: Array, port: Port) -> Array:
    """The IR's array (one sample, batch in front) as the user's."""
    sample = y[0].transpose(port.perm) if port.perm else y[0]
    return sample[None] if port.batched else sample


def evaluate(graph: Graph, feeds: Mapping[str, Array]) -> list[Array]:
    """What a float graph gives for one sample in the user's own layout."""
    fed = {v: torch.from_numpy(to_ir(feeds[graph.ports[v].name], graph.ports[v]))
           for v in graph.inputs}  # fmt: skip
    values = run(graph, fed)
    return [to_user(values[v].numpy(), graph.ports[v]) for v in graph.outputs]


def oracle(content: bytes, feeds: Mapping[str, Array]) -> list[Array]:
    """What ONNX Runtime gives."""
    session = run_onnx.session(content)
    found: list[Array] = session.run(None, dict(feeds))
    return found


def random_feeds(content: bytes, rng: np.random.Generator) -> dict[str, Array]:
    """Normally distributed inputs; free axes have length 1."""
    graph = onnx.load_from_string(content).graph
    held = {t.name for t in graph.initializer}
    return {
        v.name: rng.normal(
            size=[d.dim_value or 1 for d in v.type.tensor_type.shape.dim]
        ).astype(np.float32)
        for v in graph.input
        if v.name not in held
    }  # fmt: skip
