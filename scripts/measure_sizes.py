"""Measure the code of every kernel on every core: what sizes are estimated from without a compiler.

All files are compiled, and what each portable one needs of the C library is linked alone; of
portable kernels counts what is linked into networks of one layer, where there is such a network.
Writes edgeprune/kernels/sizes.json. Needs the cross compilers; takes some minutes, and less with
``--missing``, which links nothing that has a size: portable files that are new are added as they
are compiled, while kernels of instruction sets, which always count so, are measured again.

python scripts/measure_sizes.py [--cores cortex-m4] [--missing]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from edgeprune import bundled
from edgeprune.compiler import Recipe, footprint
from edgeprune.errors import EdgePruneError
from edgeprune.frontends import load
from edgeprune.frontends.normalize import fuse
from edgeprune.ir import Graph
from edgeprune.kernels import costs
from edgeprune.kernels.costs import LIBRARY, SIZES
from edgeprune.kernels.isa import COUNTED
from edgeprune.kernels.select import KERNELS
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
from edgeprune.toolchain.size import measure as linked

IN_ORDER: Example = (Gather(indices=(0, 3, 6)), ((8,),), ())
LIKE_DEFAULT = ("aarch64", "avr")
"""Cores of which only their own kernels are measured."""
LEVELS: tuple[Optimize, Optimize] = ("size", "speed")


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
    """The table of one core as linked: bytes by source, of an entry point, and of a call."""
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
    found, _ = objects(typed(load(bundled.model_path()), "int8"), target, optimize)
    table["(call)"] = max((found["model.o"] - single) // 3, 16)
    table["(entry)"] = max(single - table["(call)"], 16)
    return table


def compiled(
    core: str, folder: Path, optimize: Optimize, known: Mapping[str, int]
) -> dict[str, int]:
    """Bytes of code and tables in the files of a folder.

    Of portable ones also, behind ``LIBRARY``, of what they call beside the runtime, which is
    linked where it is not known.
    """
    target = load_target(core)
    compiler = require_compiler(target)
    assert target.toolchain is not None
    files = sorted(f for f in folder.iterdir() if f.suffix in (".c", ".S"))
    flags = (*target.toolchain.flags, *COMMON_FLAGS, OPTIMIZE_FLAGS[optimize])
    made = compile_all(compiler, files, flags, [runtime_dir() / "include", folder])
    text = run_tool([compiler.tool("size"), *made], "size")
    sizes = [int(line.split()[0]) for line in text.splitlines()[1:]]
    table = dict(zip((f.name for f in files), sizes, strict=True))
    if folder.name == "src":
        for file, path in zip(files, made, strict=True):
            row = file.name + LIBRARY
            if row in known:
                table[row] = known[row]
                continue
            text = run_tool([compiler.tool("nm"), "--undefined-only", path], "nm")
            names = sorted(line.split()[-1] for line in text.splitlines())
            called = tuple(n for n in names if not n.startswith("ep_"))
            table[row] = library_bytes(core, optimize, called)
    return table


@cache
def library_bytes(core: str, optimize: Optimize, called: Sequence[str]) -> int:
    """What is linked for some functions of the C library or the compiler's."""
    if not called:
        return 0
    model = {
        "name": "m", "prefix": "M", "sources": ["m.c"], "arena_bytes": 0,
        "input_shape": [1], "output_shape": [1],
    }  # fmt: skip
    text = "".join(f'extern char f{i}[] __asm__("{name}");\n' for i, name in enumerate(called))
    kept = ", ".join(f"f{i}" for i in range(len(called)))
    text += f"char *const m_run[] = {{{kept}}};\n"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "manifest.json").write_text(json.dumps(model))
        (folder / "m.h").write_text("")
        (folder / "m.c").write_text(text)
        found = linked(folder, load_target(core), optimize=optimize, stack=False).by_object
    return sum(n for file, n in found.items() if file.endswith(".o") and file != "m.o")


Sizes = dict[str, dict[str, dict[str, int]]]
"""Bytes by "portable" or instruction set, level of optimisation, and file."""


def whole(core: str, known: Sizes) -> Sizes:
    """Bytes of every file as it is compiled, which is more than what is linked of some."""
    kernels = load_target(core).kernels
    folders = {isa: runtime_dir() / "arch" / isa for isa in KERNELS if isa in kernels}
    folders["portable"] = runtime_dir() / "src"
    if core in LIKE_DEFAULT:
        del folders["portable"]
    return {
        isa: {
            level: compiled(core, folder, level, known.get(isa, {}).get(level, {}))
            for level in LEVELS
        }
        for isa, folder in folders.items()
    }


def save(found: dict[str, Sizes]) -> None:
    """Write the table, which is what estimates read from then on."""
    SIZES.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
    costs._sizes.cache_clear()


def main() -> None:
    """Measure every core at both optimisation levels; first what has no size at all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cores", default=",".join((*COUNTED, *LIKE_DEFAULT)))
    how = "link nothing that has a size; kernels of instruction sets are measured again"
    parser.add_argument("--missing", action="store_true", help=how)
    given = parser.parse_args()
    cores = given.cores.split(",")
    found: dict[str, Sizes] = json.loads(SIZES.read_text())
    for core in cores:
        for isa, levels in whole(core, found.get(core, {}) if given.missing else {}).items():
            for level, table in levels.items():
                known = found.setdefault(core, {}).setdefault(isa, {}).get(level, {})
                kept = {
                    k: v for k, v in known.items()
                    if (k in table and not k.endswith(LIBRARY)) or k.startswith("(")
                }  # fmt: skip
                found[core][isa][level] = table | (kept if isa == "portable" else {})
        print(core, "compiled", file=sys.stderr)
    save(found)
    for core in () if given.missing else (c for c in cores if c in COUNTED):
        for level in LEVELS:
            found[core]["portable"][level] |= measure(core, level)
        print(core, "linked", file=sys.stderr)
    save(found)


if __name__ == "__main__":
    main()
