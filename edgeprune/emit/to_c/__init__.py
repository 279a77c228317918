"""The folder that goes to the microcontroller, as file name -> bytes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from edgeprune.emit.to_c.feed import feed_of
from edgeprune.emit.to_c.model import ModelText, write_model
from edgeprune.emit.to_c.program import Program, Vectors
from edgeprune.emit.to_c.selftest import write_selftest
from edgeprune.emit.to_c.writer import identifier
from edgeprune.ir import Graph
from edgeprune.kernels.isa import GUARDS
from edgeprune.resources import license_file, runtime_dir


@dataclass(frozen=True)
class CFiles:
    """The emitted folder.

    Attributes:
        text: names and layer-wise sizes of the model.
        files: bytes by file name.
    """

    text: ModelText
    files: dict[str, bytes]


def emit(program: Program, name: str, vectors: Vectors | None = None) -> CFiles:
    """Write the model, the runtime files that it uses and no others, their licence, the self-test.

    Args:
        program: the lowered network.
        name: what the model is called.
        vectors: cases for the self-test; None: no self-test.
    """
    text = write_model(program, name)
    files = {f"{text.name}.h": text.header, f"{text.name}.c": text.source}
    if vectors is not None:
        header, source = write_selftest(program, text.name, vectors)
        files[f"{text.name}_selftest.h"] = header
        files[f"{text.name}_selftest.c"] = source
    runtime = _runtime_files(program)
    sources = [f"{text.name}.c", *sorted(f for f in runtime if f.endswith((".c", ".S")))]
    g, feed = program.graph, feed_of(program)
    sides = {"input": g.arguments, "output": g.results}
    parts = {k: [g.types[v].size for v in values] for k, values in sides.items()}
    manifest = {
        "name": text.name,
        "prefix": text.name.upper(),
        "sources": sources,
        "selftest": f"{text.name}_selftest.c" if vectors is not None else None,
        **{k: v for side, values in sides.items() for k, v in _dtypes(g, side, values).items()},
        **{f"{k}_shape": _shape(g, values) for k, values in sides.items()},
        **{f"{k}_parts": sizes for k, sizes in parts.items() if len(sizes) > 1},
        "arena_bytes": program.arena_bytes,
        **({"state_bytes": g.state_bytes} if g.states else {}),
        **({"feed_bytes": feed.extra_bytes} if feed is not None else {}),
        "layers": list(text.layers),
        **({"marks": text.marks} if text.marks != tuple(range(len(text.marks))) else {}),
        "target": program.target,
    }
    encoded = {k: v.encode() for k, v in files.items()}
    encoded["LICENSE"] = license_file().read_bytes()
    encoded["manifest.json"] = (json.dumps(manifest, indent=1) + "\n").encode()
    return CFiles(text, encoded | runtime)


def _dtypes(g: Graph, side: str, values: Sequence[str]) -> dict[str, object]:
    """The element type of a side, or of each of its values where they are unlike."""
    found = [g.types[v].dtype.value for v in values]
    return {f"{side}_dtype": found[0]} if len(set(found)) == 1 else {f"{side}_dtypes": found}


def _shape(g: Graph, values: Sequence[str]) -> list[int]:
    """Of the value, or of a row of several."""
    types = [g.types[v] for v in values]
    return list(types[0].shape) if len(types) == 1 else [sum(t.size for t in types)]


def _runtime_files(program: Program) -> dict[str, bytes]:
    """Files of the runtime that the calls name, and the headers that those include."""
    root = runtime_dir()
    wanted = {"include/ep_status.h"}
    forms = [program] if program.fallback is None else [program, program.fallback]
    for form in forms:
        for call in form.calls.values():
            wanted |= {f for c in call.chain for f in (*c.sources, *c.headers, *c.drop_ins)}
        if form.plan.span is not None:
            wanted |= {"src/ep_move_rows.c", "include/ep_move_rows.h"}
    found: dict[str, bytes] = {}
    todo = sorted(wanted)
    while todo:
        path = todo.pop()
        short = file_name(path)
        if short in found:
            continue
        content = (root / path).read_bytes()
        found[short] = _guarded(path, content) if path.startswith("arch/") else content
        for line in content.decode().splitlines():
            if line.startswith('#include "'):
                header = line.split('"')[1]
                here = path.rsplit("/", 1)[0]
                inside = f"{here}/{header}"
                todo.append(inside if (root / inside).is_file() else f"include/{header}")
    return found


def file_name(path: str) -> str:
    """What a file of the runtime is called in the emitted folder.

    Files for an instruction set often have the name of the C whose functions they replace. Here
    they get one of their own, as many builders make one object file a stem; in alphabetical order
    it comes right before the C, as a linker takes what an archive has first.

    Args:
        path: below ``runtime_c``.
    """
    folder, short = path.rsplit("/", 1)
    stem, kind = short.rsplit(".", 1)
    if kind == "S":
        return f"{stem}-asm.S"
    replaces = folder != "src" and (runtime_dir() / "src" / short).is_file()
    return f"{stem}-{folder.rsplit('/', 1)[-1]}.c" if replaces else short


def _guarded(path: str, content: bytes) -> bytes:
    """A file for one instruction set as one that every compiler takes: empty for the others."""
    isa = path.split("/")[1]
    stem = identifier(path.rsplit("/", 1)[-1])
    other = f"#else\ntypedef int {stem}_is_for_{isa};\n" if path.endswith(".c") else ""
    return f"#if {GUARDS[isa]}\n".encode() + content + f"{other}#endif\n".encode()
