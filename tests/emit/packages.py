"""What tests of packages share: two small models, built with every package, and their firmware."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edgeprune.resources import firmware_dir
from edgeprune.target import load_target
from edgeprune.toolchain import firmware
from edgeprune.toolchain.compiler import COMMON_FLAGS, compile_all, require_compiler

NAME = "net"
TARGET = "cortex-m3"  # it has assembly
WARNINGS = "-Wall -Wextra -Werror"


def run(
    command: Sequence[object], folder: Path, environment: Mapping[str, str] | None = None
) -> str:
    """What a command prints; it must succeed."""
    done = subprocess.run(
        [str(c) for c in command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def small_cnn(path: Path, channels: int = 4) -> Path:
    """Image (1, 1, 8, 8) to 3 probabilities: convolution, pooling, dense, softmax."""
    rng = np.random.default_rng(0)
    shapes = {"w": (channels, 1, 3, 3), "b": (channels,), "v": (3, 16 * channels), "c": (3,)}
    weights = {k: rng.normal(size=s).astype(np.float32) * 0.3 for k, s in shapes.items()}
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["h"], name="conv", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["h"], ["r"], name="relu"),
        helper.make_node("MaxPool", ["r"], ["q"], name="pool", kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Flatten", ["q"], ["f"], name="flat"),
        helper.make_node("Gemm", ["f", "v", "c"], ["g"], name="head", transB=1),
        helper.make_node("Softmax", ["g"], ["y"], name="soft"),
    ]
    return _save(path, nodes, [1, 1, 8, 8], 3, weights)


def averaged_cnn(path: Path) -> Path:
    """Image (1, 1, 24, 24) to 3 probabilities by a mean over all of it, which goes row by row."""
    rng = np.random.default_rng(0)
    shapes = {"w": (8, 1, 3, 3), "b": (8,), "u": (8, 8, 3, 3), "v": (3, 8), "c": (3,)}
    weights = {k: rng.normal(size=s).astype(np.float32) * 0.3 for k, s in shapes.items()}
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["h"], name="conv", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["h"], ["r"], name="relu"),
        helper.make_node("Conv", ["r", "u", "b"], ["g"], name="second", pads=[1, 1, 1, 1]),
        helper.make_node("GlobalAveragePool", ["g"], ["q"], name="mean"),
        helper.make_node("Flatten", ["q"], ["f"], name="flat"),
        helper.make_node("Gemm", ["f", "v", "c"], ["d"], name="head", transB=1),
        helper.make_node("Softmax", ["d"], ["y"], name="soft"),
    ]
    return _save(path, nodes, [1, 1, 24, 24], 3, weights)


def relu_alone(path: Path) -> Path:
    """A vector to its positive parts: no constants."""
    return _save(path, [helper.make_node("Relu", ["x"], ["y"], name="relu")], [1, 4], 4, {})


def small_mlp(path: Path, inputs: int = 20, hidden: int = 13) -> Path:
    """A vector to 4 probabilities: two dense layers with a sigmoid between them."""
    rng = np.random.default_rng(1)
    shapes = {"w": (hidden, inputs), "b": (hidden,), "v": (4, hidden), "c": (4,)}
    weights = {k: rng.normal(size=s).astype(np.float32) * 0.5 for k, s in shapes.items()}
    nodes = [
        helper.make_node("Gemm", ["x", "w", "b"], ["h"], name="hidden", transB=1),
        helper.make_node("Sigmoid", ["h"], ["s"], name="sigmoid"),
        helper.make_node("Gemm", ["s", "v", "c"], ["g"], name="head", transB=1),
        helper.make_node("Softmax", ["g"], ["y"], name="soft"),
    ]
    return _save(path, nodes, [1, inputs], 4, weights)


def _save(
    path: Path,
    nodes: list[onnx.NodeProto],
    shape: list[int],
    outputs: int,
    weights: dict[str, np.ndarray],
) -> Path:
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, outputs])],
        [numpy_helper.from_array(v, k) for k, v in weights.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)
    x = np.random.default_rng(2).normal(size=(60, *shape[1:])).astype(np.float32)
    np.savez(path.with_suffix(".npz"), x=x)
    return path


def added_flash(model: str, parts: Sequence[Path], optimize: str, core: str = TARGET) -> int:
    """Bytes of flash that an archive or objects add to the firmware that sizes are measured in."""
    target = load_target(core)
    assert target.toolchain is not None
    compiler = require_compiler(target)
    flags = (*target.toolchain.flags, *COMMON_FLAGS, *firmware._FIRMWARE_FLAGS)
    mains = [firmware_dir() / f for f in (*target.toolchain.startup, "budget.c")]
    entry = (*flags, f"-DEP_MODEL_SYMBOL={model}_run")
    objects = compile_all(compiler, mains, entry, [firmware_dir()])
    linked = firmware._link(compiler, target, [*objects, *parts], model, target.emulator)
    empty = firmware.build_budget(None, target, "speed" if optimize == "speed" else "size")
    return _flash(linked) - _flash(empty)


def _flash(built: firmware.Firmware) -> int:
    found = (built.map.sections.get(s) for s in (".text", ".rodata", ".data"))
    return sum(s.bytes for s in found if s is not None)


ARDUINO = Path("/usr/share/arduino/hardware/arduino/avr")  # Debian's arduino-core-avr


BOARDS = {
    "mega": ("atmega2560", "AVR_MEGA2560", "mega", "mega2560"),
    "uno": ("atmega328p", "AVR_UNO", "standard", "uno"),
}
"""The -mmcu, the board's macro, its variant, and its machine in QEMU."""


def arduino_flags(board: str) -> list[str]:
    mcu, macro, variant, _ = BOARDS[board]
    common = [f"-mmcu={mcu}", "-Os", "-flto", "-ffunction-sections", "-fdata-sections"]
    common += ["-DF_CPU=16000000L", "-DARDUINO=10819", f"-DARDUINO_{macro}", "-DARDUINO_ARCH_AVR"]
    return [*common, f"-I{ARDUINO}/cores/arduino", f"-I{ARDUINO}/variants/{variant}"]


def arduino_sketch(library: Path, main_code: str, folder: Path, board: str = "mega") -> Path:
    """What the Arduino IDE does for a sketch: recipes of ``platform.txt``, here in short.

    Args:
        library: in the layout of the specification.
        main_code: the text of the ``.ino``.
        folder: where it is built.
        board: of ``BOARDS``.

    Returns:
        The linked firmware.
    """
    common = arduino_flags(board)
    c = ["avr-gcc", *common, "-std=gnu11", "-fno-fat-lto-objects"]
    cpp = ["avr-g++", *common, "-std=gnu++11", "-fno-exceptions", "-fno-threadsafe-statics"]
    assembly = ["avr-gcc", *common, "-x", "assembler-with-cpp"]

    def compile_all(name: str, sources: Sequence[Path], *flags: str) -> Path:
        made = folder / name
        made.mkdir()
        for source in sources:
            how = {".c": c, ".cpp": cpp, ".S": assembly}[source.suffix]
            run([*how, *flags, "-c", source, "-o", made / f"{source.name}.o"], folder)
        archive = folder / f"{name}.a"
        run(["avr-gcc-ar", "rcs", archive, *sorted(made.iterdir())], folder)
        return archive

    def sources(of: Path) -> list[Path]:
        return sorted(p for p in of.rglob("*") if p.suffix in (".c", ".cpp", ".S"))

    core_sources = sources(ARDUINO / "cores" / "arduino")
    # gcc 5 keeps DECIMAL_DIG from C++
    core = compile_all("core", core_sources, "-w", "-DDECIMAL_DIG=__DECIMAL_DIG__")
    parts = compile_all("library", sources(library / "src"), *WARNINGS.split())
    main = folder / "sketch.ino.cpp"
    main.write_text(f"#include <Arduino.h>\n{main_code}")
    run([*cpp, *WARNINGS.split(), f"-I{library / 'src'}", "-c", main, "-o", "main.o"], folder)
    link = ["avr-gcc", "-Os", "-flto", "-fuse-linker-plugin", "-Wl,--gc-sections"]
    elf = folder / "sketch.elf"
    run([*link, f"-mmcu={BOARDS[board][0]}", "-o", elf, "main.o", parts, core, "-lm"], folder)
    return elf


def first_line(elf: Path, seconds: float, board: str = "mega") -> str:
    """What a sketch prints first on its serial port, in QEMU."""
    command = f"qemu-system-avr -M {BOARDS[board][3]} -display none -monitor none".split()
    command += ["-serial", "stdio", "-bios"]
    process = subprocess.Popen([*command, elf], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    timer = threading.Timer(seconds, process.kill)
    timer.start()
    try:
        assert process.stdout is not None
        return process.stdout.readline().decode("ascii", "replace")
    finally:
        timer.cancel()
        process.kill()
        process.wait()
