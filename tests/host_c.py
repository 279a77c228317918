"""What the C of a network answers on this machine."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgeprune.compiler.compile import Recipe
from edgeprune.ir import Array, Graph
from edgeprune.target import load_target
from edgeprune.verify.run_c import HostModel


def answers_of_c(graph: Graph, x: Array, folder: Path) -> Array:
    """Compile a graph as it is, and run it over rows of its arguments, call after call."""
    Recipe(load_target("host"), "int8", "speed", {}).compile_typed(graph).write_c(folder, "m")
    with HostModel(folder) as model:
        return np.asarray(model.run(x))
