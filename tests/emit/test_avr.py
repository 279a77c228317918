"""On AVR constants stay in flash: models run there as they do on the host."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from edgeprune.compiler import Recipe
from edgeprune.frontends import load
from edgeprune.frontends.normalize import fuse
from edgeprune.ir import Codebook, quantise_array
from edgeprune.quantize import observe, quantise
from edgeprune.target import load_target
from edgeprune.toolchain.compiler import COMMON_FLAGS, OPTIMIZE_FLAGS
from edgeprune.toolchain.size import measure
from edgeprune.verify import run_target
from edgeprune.verify.run_c import HostModel
from tests.e2e.conftest import invoke
from tests.emit.packages import added_flash, arduino_sketch, first_line, run, small_cnn, small_mlp

pytestmark = pytest.mark.needs("avr-gcc", "qemu-system-avr")


def compiled_for_avr(folder: Path, path: Path) -> tuple[Path, np.ndarray]:
    """C of a network, and quantised samples for it."""
    with np.load(path.with_suffix(".npz")) as data:
        x = data["x"] if data["x"].ndim < 4 else np.moveaxis(data["x"], 1, -1)
    graph = load(path)
    compiled = Recipe(load_target("avr"), "int8", "size", observe(fuse(graph), x)).compile(graph)
    compiled.write_c(folder / "c", "mlp")
    return folder / "c", quantise_array(x, compiled.graph.types[compiled.graph.inputs[0]])


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


def the_core_answers_as_the_host_does(folder: Path, x: np.ndarray) -> None:
    with HostModel(folder) as host:
        expected = host.run(x[:8])
    found = run_target.run(folder, load_target("avr"), x[:8], optimize="size")
    np.testing.assert_array_equal(found.outputs, expected)


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
    run(["avr-gcc", *flags, "-c", *sorted(source.glob("*.c"))], tmp_path)
    run(["avr-ar", "rcs", "net.a", *sorted(tmp_path.glob("*.o"))], tmp_path)
    assert (
        added_flash("net", [tmp_path / "net.a"], optimize, board) == report["size"]["flash_bytes"]
    )
