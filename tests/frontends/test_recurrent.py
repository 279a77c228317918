"""RNN, GRU and LSTM from ONNX and PyTorch, beside what those frameworks compute."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
import torch
from masked import masked_hook
from onnx_models import evaluate, model, node
from torch import nn

from edgeprune.emit import to_tflite
from edgeprune.errors import UnsupportedError
from edgeprune.frontends import load
from edgeprune.frontends.from_onnx import loads
from edgeprune.frontends.from_torch import export
from edgeprune.ir import QuantParams, couple, quantise_array, run, run_int
from edgeprune.ops import Dense
from edgeprune.pruning.compact import compact
from edgeprune.quantize import observe, quantise
from edgeprune.verify import run_tflite

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
STEPS, INPUTS, HIDDEN = 4, 3, 5


def onnx_layer(kind: str, *, start: str = "", peephole: bool = False, **attributes):
    """A model of one layer, and feeds for it."""
    rng = np.random.default_rng(0)
    gates = GATES[kind]
    ways = 2 if attributes.get("direction") == "bidirectional" else 1
    constants = {
        "W": rng.normal(0, 0.6, (ways, gates * HIDDEN, INPUTS)),
        "R": rng.normal(0, 0.6, (ways, gates * HIDDEN, HIDDEN)),
        "B": rng.normal(0, 0.6, (ways, 2 * gates * HIDDEN)),
    }
    inputs, fed = ["x", "W", "R", "B"], {"x": (STEPS, 1, INPUTS)}
    states = ["h", "c"] if kind == "LSTM" else ["h"]
    if start == "given":
        fed |= dict.fromkeys(states, (ways, 1, HIDDEN))
    elif start == "constant":
        constants |= {s: rng.normal(0, 0.6, (ways, 1, HIDDEN)) for s in states}
    inputs += ["", *states] if start else []
    if peephole:
        constants["P"] = rng.normal(0, 0.6, (ways, 3 * HIDDEN))
        inputs += [""] * (7 - len(inputs)) + ["P"]
    outputs = ["y", "y_h", "y_c"][: 1 + len(states)]
    made = node(kind, *inputs, outputs=outputs, hidden_size=HIDDEN, **attributes)
    held = {k: v.astype(np.float32) for k, v in constants.items()}
    feeds = {k: rng.normal(0, 1, s).astype(np.float32) for k, s in fed.items()}
    return model([made], fed, held, outputs=outputs), feeds


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"direction": "reverse", "start": "constant"},
        {"direction": "bidirectional", "start": "given"},
        {"clip": 0.4},
    ],
    ids=str,
)
def test_a_layer_of_onnx_computes_what_onnx_runtime_computes(kind, attributes):
    content, feeds = onnx_layer(kind, **attributes)
    wanted = ort.InferenceSession(content).run(None, feeds)
    for got, expected in zip(evaluate(loads(content), feeds), wanted, strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "attributes"),
    [
        ("GRU", {"linear_before_reset": 1, "start": "constant"}),
        ("GRU", {"linear_before_reset": 1, "direction": "bidirectional"}),
        ("LSTM", {"peephole": True, "start": "constant"}),
        ("LSTM", {"input_forget": 1}),
        ("LSTM", {"activations": ["Sigmoid", "Softsign", "Relu"]}),
        ("RNN", {"activations": ["LeakyRelu"], "activation_alpha": [0.3]}),
    ],
    ids=str,
)
def test_a_form_of_a_layer_of_onnx_computes_what_onnx_runtime_computes(kind, attributes):
    content, feeds = onnx_layer(kind, **attributes)
    wanted = ort.InferenceSession(content).run(None, feeds)
    for got, expected in zip(evaluate(loads(content), feeds), wanted, strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-6)


def test_an_activation_without_an_operator_is_refused_by_its_name():
    content, _ = onnx_layer("RNN", activations=["ThresholdedRelu"])
    with pytest.raises(UnsupportedError, match="ThresholdedRelu"):
        loads(content)


class Layer(nn.Module):
    """A recurrent layer and what it gives, as a tuple."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x, *state):
        y, end = self.layer(x, *state)
        ends = end if isinstance(end, tuple) else (end,)
        return (y, *ends)


class Loop(nn.Module):
    """A cell in a loop over time, whose last state is the result."""

    def __init__(self, cell: nn.Module) -> None:
        super().__init__()
        self.cell = cell

    def forward(self, x):
        state = torch.zeros(1, HIDDEN)
        if isinstance(self.cell, nn.LSTMCell):
            state = (state, torch.zeros(1, HIDDEN))
        for t in range(x.shape[1]):
            state = self.cell(x[:, t], state)
        return state[0] if isinstance(state, tuple) else state


def agrees_with_torch(module: nn.Module, examples: tuple[torch.Tensor, ...], path: Path) -> None:
    module.eval()
    graph = load(export(module, examples, path / "m.pt2"))
    feeds = {graph.ports[v].name: e.numpy() for v, e in zip(graph.inputs, examples, strict=True)}
    with torch.no_grad():
        wanted = module(*examples)
    wanted = wanted if isinstance(wanted, tuple) else (wanted,)
    for got, expected in zip(evaluate(graph, feeds), wanted, strict=True):
        np.testing.assert_allclose(got, expected.numpy(), atol=1e-6)


@pytest.mark.parametrize("kind", ["rnn", "relu", "gru", "lstm"])
@pytest.mark.parametrize("options", [
    {"batch_first": True},
    {"batch_first": True, "num_layers": 2, "bidirectional": True},
    {"bias": False},
], ids=str)  # fmt: skip
def test_a_layer_of_pytorch_computes_what_pytorch_computes(kind, options, tmp_path):
    torch.manual_seed(0)
    make = {"rnn": nn.RNN, "relu": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}[kind]
    more = {"nonlinearity": "relu"} if kind == "relu" else {}
    module = Layer(make(INPUTS, HIDDEN, **options, **more))
    shape = (1, STEPS, INPUTS) if options.get("batch_first") else (STEPS, 1, INPUTS)
    agrees_with_torch(module, (torch.randn(shape),), tmp_path)


def test_a_projected_lstm_computes_what_pytorch_computes(tmp_path):
    torch.manual_seed(0)
    module = Layer(nn.LSTM(INPUTS, HIDDEN, proj_size=2, batch_first=True))
    agrees_with_torch(module, (torch.randn(1, STEPS, INPUTS),), tmp_path)


def test_a_sequence_without_a_batch_computes_what_pytorch_computes(tmp_path):
    torch.manual_seed(0)
    agrees_with_torch(Layer(nn.GRU(INPUTS, HIDDEN)), (torch.randn(STEPS, INPUTS),), tmp_path)


def test_a_state_that_is_fed_computes_what_pytorch_computes(tmp_path):
    torch.manual_seed(0)
    examples = (torch.randn(1, STEPS, INPUTS), torch.randn(2, 1, HIDDEN))
    module = Layer(nn.GRU(INPUTS, HIDDEN, num_layers=2, batch_first=True))
    agrees_with_torch(module, examples, tmp_path)


@pytest.mark.parametrize("make", [nn.RNNCell, nn.GRUCell, nn.LSTMCell])
def test_a_cell_in_a_loop_computes_what_pytorch_computes(make, tmp_path):
    torch.manual_seed(0)
    module = Loop(make(INPUTS, HIDDEN))
    agrees_with_torch(module, (torch.randn(1, STEPS, INPUTS),), tmp_path)


@pytest.mark.parametrize("kind", GATES)
def test_in_int8_all_steps_share_scales_and_weights_and_litert_computes_the_same(kind):
    content, _ = onnx_layer(kind)
    graph = replace(loads(content), outputs=loads(content).outputs[:1])
    x = np.random.default_rng(1).normal(0, 1, (40, *graph.types[graph.inputs[0]].shape))
    seen = observe(graph, x.astype(np.float32))
    ranges = {v: o.range("minmax", 256) for v, o in seen.items()}
    typed = quantise(graph, ranges, means={v: o.mean for v, o in seen.items()})
    scales: dict[str, set[QuantParams | None]] = {}
    for n in typed.nodes:
        if n.site:
            scales.setdefault(n.site, set()).add(typed.types[n.output].quant)
    assert scales
    assert all(len(found) == 1 for found in scales.values())
    dense = [n for n in typed.nodes if isinstance(n.op, Dense)]
    for operand in (1, 2):  # weights and, corrected for the mean of all steps, biases
        kinds = {typed.constants[n.inputs[operand]].tobytes() for n in dense}
        assert len(kinds) == 2 * GATES[kind]  # over the input and over the state
    fed = quantise_array(x, typed.types[typed.inputs[0]])
    ours = run_int(typed, {typed.inputs[0]: fed})[typed.outputs[0]]
    np.testing.assert_array_equal(ours, run_tflite.run(to_tflite.emit(typed), fed))


class Classifier(nn.Module):
    """A recurrent layer, of which a dense one reads the last step."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.layer = getattr(nn, kind)(INPUTS, HIDDEN, batch_first=True)
        self.head = nn.Linear(HIDDEN, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.layer(x)[0][:, -1])


@pytest.mark.parametrize("kind", GATES)
def test_hidden_units_go_with_all_gates_of_all_steps_and_steps_still_share_weights(kind, tmp_path):
    torch.manual_seed(0)
    export(Classifier(kind), (torch.randn(1, STEPS, INPUTS),), tmp_path / "m.pt2")
    graph = load(tmp_path / "m.pt2")
    coupling = couple(graph)
    hidden = ~coupling.pinned & ~coupling.inputs
    assert hidden.sum() == HIDDEN
    removed = hidden & (np.cumsum(hidden) % HIDDEN == 2)
    small = compact(graph, coupling, removed)
    assert small.params < graph.params
    x = np.random.default_rng(1).normal(size=(40, STEPS, INPUTS)).astype(np.float32)
    fed = {graph.inputs[0]: torch.from_numpy(x).reshape(40, *graph.types[graph.inputs[0]].shape)}
    with torch.inference_mode():
        want = run(graph, fed, hook=masked_hook(graph, coupling, removed))[graph.outputs[0]]
        got = run(small, fed)[small.outputs[0]]
    np.testing.assert_allclose(got, want, atol=1e-5)
    seen = observe(small, fed[graph.inputs[0]].numpy())
    typed = quantise(small, {v: o.range("minmax", 256) for v, o in seen.items()})
    weights = {
        typed.constants[n.inputs[1]].tobytes() for n in typed.nodes if isinstance(n.op, Dense)
    }
    assert len(weights) == 2 * GATES[kind] + 1
