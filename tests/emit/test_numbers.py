"""Inputs that are numbers of rows (tokens, categories), alone and beside values of other types."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from edgeprune.compiler import Recipe
from edgeprune.errors import EdgePruneError, UnsupportedError
from edgeprune.frontends import load as load_model
from edgeprune.frontends.data import load_samples
from edgeprune.frontends.from_onnx import loads
from edgeprune.frontends.from_torch import export, load
from edgeprune.frontends.ports import join_ports, part_ports
from edgeprune.ir import DType, Graph, Samples, couple, fed, join_rows, predict, real, run_int
from edgeprune.ops.embedding import rows_of
from edgeprune.pruning.compact import compact
from edgeprune.pruning.search import prune
from edgeprune.quantize import observe
from edgeprune.target import load_target
from edgeprune.verify import run_onnx, run_tflite
from edgeprune.verify.run_c import HostModel
from edgeprune.verify.run_target import run as run_on_core

WORDS, LENGTH, WIDTH = 30, 7, 5


class Text(nn.Module):
    """Words, their mean, two classes."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(WORDS, WIDTH)
        self.first = nn.Linear(WIDTH, 6)
        self.last = nn.Linear(6, 2)

    def forward(self, words):
        return self.last(torch.relu(self.first(self.table(words).mean(1))))


class Beside(nn.Module):
    """A user, two kinds of things that he saw, and measured features: unlike inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(WORDS, WIDTH)
        self.kinds = nn.Embedding(9, 3)
        self.last = nn.Linear(WIDTH + 3 + 4, 2)

    def forward(self, user, seen, features):
        rows = [self.table(user), self.kinds(seen[:, 1]), features]
        return torch.sigmoid(self.last(torch.cat(rows, 1))), self.table(user)


class Deeper(Beside):
    """The same inputs, and a hidden layer behind each kind."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Linear(WIDTH + 3, 6)
        self.measured = nn.Linear(4, 6)
        self.last = nn.Linear(12, 2)

    def forward(self, user, seen, features):
        looked_up = torch.cat([self.table(user), self.kinds(seen[:, 1])], 1)
        hidden = [torch.relu(self.words(looked_up)), torch.relu(self.measured(features))]
        return self.last(torch.cat(hidden, 1))


def samples(module: nn.Module, n: int = 40) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(4)
    if isinstance(module, Text):
        return (rng.integers(0, WORDS, (n, LENGTH)),)
    return (
        rng.integers(0, WORDS, n),
        rng.integers(0, 9, (n, 2)),
        rng.normal(size=(n, 4)).astype(np.float32),
    )


def as_onnx(module: nn.Module, folder: Path) -> bytes:
    example = tuple(torch.from_numpy(x[:1]) for x in samples(module))
    made = io.BytesIO()
    torch.onnx.export(module.eval(), example, made, dynamo=False)
    return made.getvalue()


def read(module: nn.Module, kind: str, folder: Path) -> Graph:
    torch.manual_seed(1)
    for part in module.parameters():
        nn.init.normal_(part)
    if kind == "onnx":
        return loads(as_onnx(module, folder))
    example = tuple(torch.from_numpy(x[:1]) for x in samples(module))
    return load(export(module, example, folder / "net.pt2"))


def wanted(module: nn.Module) -> np.ndarray:
    with torch.inference_mode():
        found = module(*map(torch.from_numpy, samples(module)))
    return join_rows([y.numpy() for y in (found if isinstance(found, tuple) else (found,))])


def rows(module: nn.Module) -> np.ndarray:
    return join_rows([x.reshape(len(x), -1).astype(np.float32) for x in samples(module)])


@pytest.mark.parametrize("kind", ["onnx", "pt2"])
@pytest.mark.parametrize("network", [Text, Beside])
def test_numbers_are_read_and_choose_rows(
    tmp_path: Path, network: type[nn.Module], kind: str
) -> None:
    module = network()
    graph = read(module, kind, tmp_path)
    kinds = [graph.types[v].dtype for v in graph.inputs]
    assert kinds == [DType.INT32, DType.INT32, DType.FLOAT32][: len(kinds)]
    assert {graph.ports[v].dtype for v in graph.inputs} <= {DType.INT64, DType.FLOAT32}
    assert rows_of(graph, graph.inputs[0]) == WORDS
    joined = join_ports(graph)
    np.testing.assert_allclose(predict(joined, rows(module)), wanted(module), rtol=1e-4, atol=1e-5)
    assert part_ports(joined).types[graph.inputs[0]].is_index


@pytest.mark.parametrize("dtype", ["float32", "int8", "int16x8"])
@pytest.mark.parametrize("network", [Text, Beside])
def test_all_artifacts_agree(tmp_path: Path, network: type[nn.Module], dtype: str) -> None:
    module = network()
    graph = join_ports(read(module, "onnx", tmp_path))
    recipe = Recipe(load_target("cortex-m4"), dtype, "speed", observe(graph, rows(module)))
    made = recipe.compile(graph)
    x = fed(made.graph, rows(module))
    ours = _c(made, tmp_path, x)
    gap = 1e-5 if dtype == "float32" else 0
    theirs = run_tflite.run(made.tflite, x)
    np.testing.assert_allclose(ours, theirs, rtol=gap, atol=gap)
    through = run_onnx.run_raw(made.onnx, x)
    steps = {"float32": gap, "int8": 2, "int16x8": 8}[dtype]  # QDQ rounds sums in real numbers
    np.testing.assert_allclose(ours, through, rtol=gap, atol=steps)
    near = np.abs(real(made.graph, ours) - wanted(module)).max()
    assert near < {"float32": 1e-4, "int8": 0.1, "int16x8": 2e-2}[dtype]


def _c(made, folder: Path, x: np.ndarray) -> np.ndarray:
    made.write_c(folder / "c", "net")
    with HostModel(folder / "c") as host:
        return host.run(x)


@pytest.mark.needs("arm-none-eabi-gcc", "qemu-system-arm")
@pytest.mark.parametrize("network", [Text, Beside])
def test_a_core_answers_the_same(tmp_path: Path, network: type[nn.Module]) -> None:
    module = network()
    graph = join_ports(read(module, "onnx", tmp_path))
    target = load_target("cortex-m0plus")
    made = Recipe(target, "int8", "size", observe(graph, rows(module))).compile(graph)
    x = fed(made.graph, rows(module))[:6]
    wanted = _c(made, tmp_path, x)
    np.testing.assert_array_equal(run_on_core(tmp_path / "c", target, x).outputs, wanted)


def test_a_number_outside_of_the_table_is_the_nearest_inside(tmp_path: Path) -> None:
    graph = read(Text(), "onnx", tmp_path)
    made = Recipe(load_target("host"), "float32", "size", {}).compile(graph)
    x = np.array([[-1, -(2**31), WORDS, 2**31 - 1, 0, 3, 4], [0, 0, 29, 29, 0, 3, 4]], np.int32)
    ours = _c(made, tmp_path, x)
    np.testing.assert_array_equal(ours[0], ours[1])
    header = (tmp_path / "c" / "net.h").read_text()
    assert "const int32_t *input" in header
    assert "numbers of rows, 0 to 29" in header


def test_the_width_of_an_embedding_is_pruned(tmp_path: Path) -> None:
    module = Text()
    graph = read(module, "onnx", tmp_path)
    coupling = couple(graph)
    table = next(v for v, c in graph.constants.items() if c.shape == (WORDS, WIDTH))
    channels = coupling.axes[table, 1]
    assert not coupling.pinned[channels].any()
    assert coupling.pinned[coupling.values[graph.inputs[0]]].all()
    removed = np.zeros(coupling.count, bool)
    removed[channels[[1, 3]]] = True
    less = compact(graph, coupling, removed)
    with torch.no_grad():
        module.table.weight[:, [1, 3]] = 0
    np.testing.assert_allclose(predict(less, rows(module)), wanted(module), rtol=1e-4, atol=1e-5)
    assert less.constants[table].shape == (WORDS, WIDTH - 2)


@pytest.mark.parametrize("criterion", ["obs", "taylor1_abs", "fisher"])
@pytest.mark.parametrize("network", [Text, Deeper])
def test_networks_with_numbers_of_rows_are_ranked_by_gradients(
    tmp_path: Path, network: type[nn.Module], criterion: str
) -> None:
    """Numbers have no gradient, what is looked up by them does."""
    module = network()
    graph = join_ports(read(module, "onnx", tmp_path))
    data = Samples(rows(module), wanted(module)[:, :2].argmax(axis=1))
    assert prune(graph, data, criterion=criterion, keep_ratio=0.5).removed.any()


@pytest.mark.parametrize(("bad", "word"), [(30, "30"), (-1, "-1"), (0.5, "0.5")])
def test_samples_that_are_no_numbers_of_rows_are_refused(
    tmp_path: Path, bad: float, word: str
) -> None:
    graph = read(Text(), "onnx", tmp_path)
    x = np.zeros((3, LENGTH))
    x[1, 2] = bad
    np.savez(tmp_path / "x.npz", x=x)
    with pytest.raises(EdgePruneError, match=f"sample 1 has {word}.*, the model's table has 30"):
        load_samples(tmp_path / "x.npz", graph)


def test_arithmetic_with_whole_numbers_is_refused_by_name() -> None:
    x = helper.make_tensor_value_info("x", TensorProto.INT64, [1, 3])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    nodes = [helper.make_node("Mul", ["x", "x"], ["z"], "squares"),
             helper.make_node("Gather", ["t", "z"], ["y"])]  # fmt: skip
    held = [numpy_helper.from_array(np.ones((9, 2), np.float32), "t")]
    graph = helper.make_graph(nodes, "g", [x], [y], held)
    content = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    with pytest.raises(UnsupportedError, match=r"'squares' \(Mul\): computes with whole numbers"):
        loads(content.SerializeToString())


def test_whole_numbers_that_are_made_real_at_once_are_an_input_like_any_other(
    tmp_path: Path,
) -> None:
    x = helper.make_tensor_value_info("x", TensorProto.INT64, [1, 3])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    nodes = [helper.make_node("Cast", ["x"], ["r"], to=TensorProto.FLOAT),
             helper.make_node("Sigmoid", ["r"], ["y"])]  # fmt: skip
    model = helper.make_model(helper.make_graph(nodes, "g", [x], [y]),
                              opset_imports=[helper.make_opsetid("", 18)])  # fmt: skip
    model.ir_version = 10
    graph = loads(model.SerializeToString())
    assert graph.types[graph.inputs[0]].dtype is DType.FLOAT32
    made = Recipe(load_target("host"), "float32", "size", {}).compile(graph)
    onnx.checker.check_model(onnx.load_from_string(made.onnx), full_check=True)
    given = np.array([[-2, 0, 3]])
    found = onnxruntime.InferenceSession(made.onnx).run(None, {"x": given})[0]
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-given)), rtol=1e-5)


def test_every_row_of_a_table_has_its_place_in_the_range(tmp_path: Path) -> None:
    """Calibration sees few words; the others must not be cut off."""
    module = Text()
    graph = read(module, "onnx", tmp_path)
    few = np.zeros((8, LENGTH), np.float32)
    typed = Recipe(load_target("host"), "int8", "size", observe(graph, few)).typed(graph)
    node = next(n for n in typed.nodes if n.op.kind == "embedding")
    x = np.arange(28, dtype=np.int32).reshape(4, LENGTH)
    q, t = run_int(typed, {typed.inputs[0]: x})[node.output], typed.types[node.output]
    assert t.quant is not None
    scale, zero = t.quant.scalar
    with torch.inference_mode():
        rows = module.table(torch.from_numpy(x)).numpy()
    assert np.abs(scale * (q.astype(int) - zero) - rows).max() <= 0.51 * scale


@pytest.mark.needs("tensorflow")
@pytest.mark.parametrize("quantised", [False, True])
def test_an_embedding_of_keras_is_read(tmp_path: Path, quantised: bool) -> None:
    import tensorflow as tf

    tf.keras.utils.set_random_seed(0)
    layers = tf.keras.layers
    model = tf.keras.Sequential([
        tf.keras.Input((LENGTH,), dtype="int32", batch_size=1),
        layers.Embedding(WORDS, WIDTH),
        layers.GlobalAveragePooling1D(),
        layers.Dense(2),
    ])  # fmt: skip
    x = samples(Text())[0].astype(np.int32)
    if not quantised:
        model.save(tmp_path / "m.keras")
        graph = load_model(tmp_path / "m.keras")
        answers = predict(graph, x.astype(np.float32))
        whole = np.concatenate([model(row[None]).numpy() for row in x])
        np.testing.assert_allclose(answers, whole, rtol=1e-4, atol=1e-6)
        return
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([row[None]] for row in x)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    (tmp_path / "m.tflite").write_bytes(content := converter.convert())
    graph = load_model(tmp_path / "m.tflite")
    made = Recipe(load_target("host"), "int8", "size", {}).compile(graph)
    wanted = run_tflite.run(content, x)
    np.testing.assert_array_equal(real(graph, _c(made, tmp_path, x)), real(graph, wanted))


def test_an_output_that_is_said_to_be_whole_and_is_not_is_real() -> None:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3])
    y = helper.make_tensor_value_info("y", TensorProto.INT64, None)
    graph = helper.make_graph([helper.make_node("Sigmoid", ["x"], ["y"])], "g", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    read = loads(model.SerializeToString())
    assert [read.ports[v].dtype for v in read.outputs] == [DType.FLOAT32]
