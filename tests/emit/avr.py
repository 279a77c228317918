"""Networks that are compiled for an emulated AVR, and what it answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgeprune.compiler import Recipe
from edgeprune.frontends import load
from edgeprune.frontends.normalize import fuse
from edgeprune.ir import quantise_array
from edgeprune.quantize import observe
from edgeprune.target import load_target
from edgeprune.verify import run_target
from edgeprune.verify.run_c import HostModel


def compiled_for_avr(folder: Path, path: Path) -> tuple[Path, np.ndarray]:
    """C of a network, and quantised samples for it."""
    with np.load(path.with_suffix(".npz")) as data:
        x = data["x"] if data["x"].ndim < 4 else np.moveaxis(data["x"], 1, -1)
    graph = load(path)
    compiled = Recipe(load_target("avr"), "int8", "size", observe(fuse(graph), x)).compile(graph)
    compiled.write_c(folder / "c", "mlp")
    return folder / "c", quantise_array(x, compiled.graph.types[compiled.graph.inputs[0]])


def the_core_answers_as_the_host_does(folder: Path, x: np.ndarray) -> None:
    with HostModel(folder) as host:
        expected = host.run(x[:8])
    found = run_target.run(folder, load_target("avr"), x[:8], optimize="size")
    np.testing.assert_array_equal(found.outputs, expected)
