"""On AVR constants stay in flash: models run there as they do on the host."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from kernels.cases import int8_type, layer_constants, output_scale
from kernels.harness import expected, one_node

from edgeprune.compiler import Recipe
from edgeprune.frontends import load
from edgeprune.frontends.normalize import fuse
from edgeprune.ir import Codebook, quantise_array
from edgeprune.ops import Conv2d, DepthwiseConv2d
from edgeprune.ops._window import Padding
from edgeprune.quantize import observe, quantise
from edgeprune.target import load_target
from edgeprune.toolchain.compiler import COMMON_FLAGS, OPTIMIZE_FLAGS
from edgeprune.toolchain.size import measure
from edgeprune.verify import run_target
from edgeprune.verify.agreement import on_target
from edgeprune.verify.run_c import HostModel
from tests.e2e.conftest import invoke
from tests.emit.avr import compiled_for_avr, the_core_answers_as_the_host_does
from tests.emit.packages import added_flash, arduino_sketch, first_line, run, small_cnn, small_mlp

pytestmark = pytest.mark.needs("avr-gcc", "qemu-system-avr")


@pytest.mark.parametrize(
    ("inputs", "hidden"), [(20, 13), (1, 1), (7, 4), (1000, 33)], ids=lambda n: str(n)
)
def test_every_output_is_that_of_the_host(tmp_path: Path, inputs: int, hidden: int) -> None:
    path = small_mlp(tmp_path / "mlp.onnx", inputs, hidden)
    the_core_answers_as_the_host_does(*compiled_for_avr(tmp_path, path))


def test_products_of_negative_and_unsigned_factors_come_to_an_end(tmp_path: Path) -> None:
    """A routine of libgcc for them stands still in QEMU, and convolutions count by them."""
    path = small_cnn(tmp_path / "cnn.onnx")
    the_core_answers_as_the_host_does(*compiled_for_avr(tmp_path, path))


LAYERS = [
    (Conv2d((2, 1), Padding(1, 0, 1, 1)), (5, 4, 3), (6, 3, 3, 3)),
    (Conv2d(dilation=(1, 2), clamp=(0.0, np.inf)), (4, 5, 3), (5, 2, 2, 3)),
    (Conv2d(groups=2), (4, 4, 6), (10, 2, 2, 3)),
    (Conv2d(), (3, 3, 5), (36, 1, 1, 5)),
    (Conv2d(stride=(2, 2)), (5, 5, 4), (3, 1, 1, 4)),
    (DepthwiseConv2d((1, 2), Padding(1, 1, 1, 1)), (4, 5, 6), (3, 3, 6)),
    (DepthwiseConv2d(dilation=(1, 2)), (4, 5, 4), (2, 2, 4)),
    (DepthwiseConv2d(), (4, 4, 3), (3, 3, 6)),
    (Conv2d(), (1, 301, 1), (4, 1, 300, 1)),
    (Conv2d(dilation=(1, 2)), (1, 523, 1), (4, 1, 262, 1)),
    (DepthwiseConv2d(), (301, 1, 4), (300, 1, 4)),
]


@pytest.mark.parametrize("values", [(), (-90, -25, 0, 127)], ids=["any", "few"])
@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: f"{layer[0].kind}_{layer[2]}")
def test_convolutions_of_every_form_are_exact_and_leave_their_constants_in_flash(
    tmp_path: Path, rng, layer, values: tuple[int, ...]
) -> None:
    op, shape, weights = layer
    axis = 0 if isinstance(op, Conv2d) else 2
    constants = layer_constants(rng, weights, axis, 0.05, values=values)
    types = [int8_type(shape, 0.05, -9)], int8_type((), output_scale(rng, 0.05, constants), 5)
    graph = one_node(op, *types, constants)
    compiled = Recipe(load_target("avr"), "int8", "size", {}).compile_typed(graph)
    assert not compiled.copied_bytes
    compiled.write_c(tmp_path / "c", "net")
    x = rng.integers(-128, 128, (2, *shape)).astype(np.int8)
    found = run_target.run(tmp_path / "c", load_target("avr"), x, optimize="size")
    wanted = np.stack([expected(graph, {"x0": sample}) for sample in x])
    np.testing.assert_array_equal(found.outputs.reshape(wanted.shape), wanted)


@pytest.mark.parametrize("hidden", [13, 33], ids=["an array", "an array too large for gcc"])
def test_weights_take_no_ram(tmp_path: Path, hidden: int) -> None:
    path = small_mlp(tmp_path / "mlp.onnx", 1000, hidden)
    folder, _ = compiled_for_avr(tmp_path, path)
    size = measure(folder, load_target("avr"), optimize="size")
    assert size.rodata_bytes >= 1000 * hidden
    assert size.data_bytes < 200


@pytest.mark.parametrize(
    "values",
    [tuple(range(-7, 8)), (-127, -60, -20, 9, 50), (-90, -25, 25, 90), (-1, 0, 1)],
    ids=len,
)
def test_packed_codes_of_weights_stay_in_flash_too(tmp_path: Path, values: tuple[int, ...]) -> None:
    path = small_mlp(tmp_path / "mlp.onnx", 300, 13)
    with np.load(path.with_suffix(".npz")) as data:
        x = data["x"]
    fused = fuse(load(path))
    ranges = {v: seen.range("minmax", 256) for v, seen in observe(fused, x).items()}
    dense = [n.name for n in fused.nodes if n.op.kind == "dense"]
    book = Codebook(values)
    graph = quantise(fused, ranges, codebooks=dict.fromkeys(dense, book))
    compiled = Recipe(load_target("avr"), "int8", "size", {}).compile_typed(graph)
    assert compiled.calls[dense[0]].stage
    assert compiled.plan.arena_bytes < 1000
    compiled.write_c(tmp_path / "c", "mlp")
    samples = quantise_array(x[:8], graph.types[graph.inputs[0]])
    with HostModel(tmp_path / "c") as host:
        expected = host.run(samples)
    found = run_target.run(tmp_path / "c", load_target("avr"), samples, optimize="size")
    np.testing.assert_array_equal(found.outputs, expected)
    size = measure(tmp_path / "c", load_target("avr"), optimize="size")
    assert size.rodata_bytes < book.packed_bytes(300 * 13) + 800
    assert size.data_bytes < 200


@pytest.mark.needs("arduino-core-avr")
@pytest.mark.parametrize(
    ("board", "target"), [("uno", "arduino-uno"), ("mega", "arduino-mega-2560")]
)
def test_the_arduino_sketch_builds_without_a_warning_and_its_selftest_passes(
    tmp_path: Path, board: str, target: str
) -> None:
    model = small_mlp(tmp_path / "net.onnx")
    command = f"--data {model.with_suffix('.npz')} --target {target} --dtype int8"
    done = invoke("build", model, *command.split(), "--package=arduino", "-o", tmp_path / "out")
    assert done.status == 0, done.err
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["agreement"]["target_vs_host_mismatches"] == 0
    library = tmp_path / "out" / "packages" / "arduino" / "net"
    sketch = (library / "examples" / "SelfTest" / "SelfTest.ino").read_text()
    readme = (library / "README.md").read_text()
    (code,) = re.findall(r"^```cpp\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    for name, text in (
        ("sketch", sketch),
        ("readme", f"{code}\nvoid setup() {{}}\nvoid loop() {{}}"),
    ):
        (tmp_path / name).mkdir()
        elf = arduino_sketch(library, text, tmp_path / name, board)
        if name == "sketch":
            assert first_line(elf, 120, board).strip() == "net: self-test passed"


def test_the_sources_of_the_library_add_what_the_report_says(tmp_path: Path) -> None:
    model, board = small_mlp(tmp_path / "net.onnx"), "arduino-mega-2560"
    command = f"--data {model.with_suffix('.npz')} --target {board} --dtype int8"
    done = invoke("build", model, *command.split(), "--package=arduino", "-o", tmp_path / "out")
    assert done.status == 0, done.err
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    source = tmp_path / "out" / "packages" / "arduino" / "net" / "src"
    target = load_target(board)
    assert target.toolchain is not None
    optimize = report["target"]["optimize"]
    flags = [*target.toolchain.flags, *COMMON_FLAGS, OPTIMIZE_FLAGS[optimize], f"-I{source}"]
    run(["avr-gcc", *flags, "-c", *sorted(source.glob("*.[cS]"))], tmp_path)
    run(["avr-ar", "rcs", "net.a", *sorted(tmp_path.glob("*.o"))], tmp_path)
    assert (
        added_flash("net", [tmp_path / "net.a"], optimize, board) == report["size"]["flash_bytes"]
    )


def test_where_a_board_has_no_room_for_the_harness_its_core_runs_the_model(tmp_path: Path) -> None:
    path = small_mlp(tmp_path / "mlp.onnx", 700, 12)
    folder, x = compiled_for_avr(tmp_path, path)
    notes: list[str] = []
    with HostModel(folder) as host:
        expected = host.run(x[:4])
    found = on_target(folder, load_target("arduino-uno"), x[:4], "size", notes=notes)
    assert found is not None
    np.testing.assert_array_equal(found.outputs, expected)
    assert notes == ["arduino-uno has no room for inputs beside the model: run on avr"]
