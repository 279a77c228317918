"""Measure the code of every kernel on every core: what sizes are estimated from without a compiler.

Portable kernels are linked into networks of one layer; what unpacks weights, and files for one
instruction set, all of which a layer uses, are compiled. Writes edgeprune/kernels/sizes.json. Needs
the cross compilers; takes some minutes.

python scripts/measure_sizes.py
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

from edgeprune import bundled
from edgeprune.compiler import Recipe, footprint
from edgeprune.errors import EdgePruneError
from edgeprune.frontends import load
from edgeprune.frontends.normalize import fuse
from edgeprune.ir import Graph
from edgeprune.kernels.costs import SIZES
from edgeprune.ops import Gather
from edgeprune.ops.examples import EXAMPLES, Example, example_graph
from edgeprune.quantize import quantise
from edgeprune.resources import runtime_dir
from edgeprune.target import Target, load_target
from edgeprune.toolchain.compiler import (
    COMMON_FLAGS,
    OPTIMIZE_FLAGS,
    Optimize,
    compile_all,
    require_compiler,
    run_tool,
)

IN_ORDER: Example = (Gather(indices=(0, 3, 6)), ((8,),), ())
CORES = ("cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m55", "rv32imc")


def typed(graph: Graph, dtype: str) -> Graph:
    """The graph as it is emitted, with made-up ranges."""
    if dtype == "float32":
        return fuse(graph)
    fused = fuse(graph)
    return quantise(fused, dict.fromkeys(fused.activations, (0.5, 2.0)))


def objects(graph: Graph, target: Target, optimize: str) -> tuple[dict[str, int], list[str]]:
    """Bytes by object file, the model's own without its constants; and the kernels' sources."""
    recipe = Recipe(target, "float32", optimize, {})  # type: ignore[arg-type]
    compiled = recipe.compile_typed(graph)
    size = footprint(compiled).size
    assert size is not None
    found = dict(size.by_object)
    found["model.o"] = found.get("model.o", 0) - compiled.constant_bytes
    sources = {s.rsplit("/", 1)[-1] for c in compiled.calls.values() for s in c.sources}
    return found, sorted(sources)


def measure(core: str, optimize: str) -> dict[str, int]:
    """The table of one core: bytes by source, and "SOURCE+library" for what it calls."""
    target = replace(load_target(core), kernels=("portable",))
    table: dict[str, int] = {}
    single = 0
    for example in (*EXAMPLES, IN_ORDER):
        for dtype in ("int8", "float32"):
            try:
                found, sources = objects(typed(example_graph(example), dtype), target, optimize)
            except EdgePruneError:
                continue
            if not sources:
                continue
            single = max(single, found.pop("model.o"))
            for source in sources:
                own = found.pop(source.rsplit(".", 1)[0] + ".o", 0)
                table[source] = max(table.get(source, 0), own)
            if found:
                key = f"{sources[0]}+library"
                table[key] = max(table.get(key, 0), sum(found.values()))
    found, _ = objects(typed(load(bundled.model_path()), "int8"), target, optimize)
    table["(call)"] = max((found["model.o"] - single) // 3, 16)
    table["(entry)"] = max(single - table["(call)"], 16)
    return table


def compiled(core: str, folder: Path, pattern: str, optimize: Optimize) -> dict[str, int]:
    """Bytes of code and tables in the files of a folder whose names match."""
    target = load_target(core)
    compiler = require_compiler(target)
    assert target.toolchain is not None
    files = sorted(f for f in folder.glob(pattern) if f.suffix in (".c", ".S"))
    flags = (*target.toolchain.flags, *COMMON_FLAGS, OPTIMIZE_FLAGS[optimize])
    objects = compile_all(compiler, files, flags, [runtime_dir() / "include", folder])
    text = run_tool([compiler.tool("size"), *objects], "size")
    sizes = [int(line.split()[0]) for line in text.splitlines()[1:]]
    return dict(zip((f.name for f in files), sizes, strict=True))


def main() -> None:
    """Measure every core at both optimisation levels."""
    found: dict[str, dict[str, dict[str, dict[str, int]]]] = {}
    levels: tuple[Optimize, Optimize] = ("size", "speed")
    for core in CORES:
        found[core] = {
            "portable": {
                level: measure(core, level)
                | compiled(core, runtime_dir() / "src", "ep_unpack*", level)
                for level in levels
            }
        }
        for isa in ("arm_dsp", "arm_mve"):
            if isa in load_target(core).kernels:
                folder = runtime_dir() / "arch" / isa
                found[core][isa] = {level: compiled(core, folder, "*", level) for level in levels}
        print(core, ", ".join(found[core]), file=sys.stderr)
    SIZES.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
