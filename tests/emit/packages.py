"""What tests of packages share: two small models, built with every package, and their firmware."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edgeprune.resources import firmware_dir
from edgeprune.target import load_target
from edgeprune.toolchain import firmware
from edgeprune.toolchain.compiler import COMMON_FLAGS, compile_all, require_compiler

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


def small_cnn(path: Path) -> Path:
    """Image (1, 1, 8, 8) to 3 probabilities: convolution, pooling, dense, softmax."""
    rng = np.random.default_rng(0)
    shapes = {"w": (4, 1, 3, 3), "b": (4,), "v": (3, 64), "c": (3,)}
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


def small_mlp(path: Path) -> Path:
    """Vector (1, 20) to 4 probabilities: two dense layers with a sigmoid between them."""
    rng = np.random.default_rng(1)
    shapes = {"w": (13, 20), "b": (13,), "v": (4, 13), "c": (4,)}
    weights = {k: rng.normal(size=s).astype(np.float32) * 0.5 for k, s in shapes.items()}
    nodes = [
        helper.make_node("Gemm", ["x", "w", "b"], ["h"], name="hidden", transB=1),
        helper.make_node("Sigmoid", ["h"], ["s"], name="sigmoid"),
        helper.make_node("Gemm", ["s", "v", "c"], ["g"], name="head", transB=1),
        helper.make_node("Softmax", ["g"], ["y"], name="soft"),
    ]
    return _save(path, nodes, [1, 20], 4, weights)


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


def added_flash(model: str, parts: Sequence[Path], optimize: str) -> int:
    """Bytes of flash that an archive or objects add to the firmware that sizes are measured in."""
    target = load_target(TARGET)
    assert target.toolchain is not None
    compiler = require_compiler(target)
    flags = (*target.toolchain.flags, *COMMON_FLAGS, *firmware._FIRMWARE_FLAGS)
    mains = [firmware_dir() / f for f in (*target.toolchain.startup, "budget.c")]
    entry = (*flags, f"-DEP_MODEL_SYMBOL={model}_run")
    objects = compile_all(compiler, mains, entry, [firmware_dir()])
    linked = firmware._link(compiler, target, [*objects, *parts], model)
    empty = firmware.build_budget(None, target, "speed" if optimize == "speed" else "size")
    return _flash(linked) - _flash(empty)


def _flash(built: firmware.Firmware) -> int:
    found = (built.map.sections.get(s) for s in (".text", ".rodata", ".data"))
    return sum(s.bytes for s in found if s is not None)
