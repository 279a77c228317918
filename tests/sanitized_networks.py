"""Random networks with extreme scales under sanitizers, against the references.

``python tests/sanitized_networks.py 500 0`` makes 500 networks from seed 0 on, in every element
type (:mod:`random_networks`). Their C is built with gcc (sanitizers of addresses and of undefined
behaviour) and with clang (the latter), and runs in an arena of exactly its size between canaries,
aligned to 4 bytes and no more, filled with rubbish. Nothing may be reported; integers must be those
of the Python reference and, where LiteRT computes the ``.tflite`` at all, of its reference kernels.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from random_networks import DTYPES, feeds, network, typed

from edgeprune.compiler import Recipe
from edgeprune.compiler.compile import Compiled
from edgeprune.errors import EdgePruneError
from edgeprune.ir import Array, join_rows, run, run_int
from edgeprune.planner.plan import round_up
from edgeprune.target import load_target
from edgeprune.toolchain.cmodel import read_model
from edgeprune.verify import run_tflite

BATCH = 20  # networks a program
GAP = 24  # bytes, at the least
SANITIZERS = {
    "gcc": "-fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=all",
    "clang": "-fsanitize=undefined,float-cast-overflow -fsanitize-trap=all",  # needs no library
}
ENVIRONMENT = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
FLAGS = ("-std=gnu99", "-g", "-O1", "-ffp-contract=off")

TABLE = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __SANITIZE_ADDRESS__
void __asan_poison_memory_region(const volatile void *, size_t);
void __asan_unpoison_memory_region(const volatile void *, size_t);
#else
#define __asan_poison_memory_region(at, bytes) (void)(at)
#define __asan_unpoison_memory_region(at, bytes) (void)(at)
#endif
struct network {
    int (*run)(void *, size_t, const void *, void *);
    size_t arena, in_bytes, out_bytes;
    const char *in, *out;
    unsigned gaps; /* of the arena, where nothing lies: */
    const unsigned (*gap)[2]; /* from where to where */
};
"""
MAIN = """
enum { GUARD = 68 };
static int canaries(const unsigned char *at)
{
    for (int i = 0; i < GUARD; i++) {
        if (at[i] != 0xC3) {
            return 1;
        }
    }
    return 0;
}
/* Whether a byte between the values and rings of the arena is not what it was filled with. */
static int spilt(const struct network *n, const unsigned char *arena, unsigned char filled)
{
    for (unsigned g = 0; g < n->gaps; g++) {
        for (unsigned i = n->gap[g][0]; i < n->gap[g][1]; i++) {
            if (arena[i] != filled) {
                return 1;
            }
        }
    }
    return 0;
}
int main(void)
{
    for (unsigned k = 0; k < sizeof networks / sizeof *networks; k++) {
        const struct network n = networks[k];
        unsigned char *const block = malloc(n.arena + 2 * GUARD);
        unsigned char *const arena = block + GUARD, *const after = arena + n.arena;
        memset(block, 0xC3, GUARD);
        memset(after, 0xC3, GUARD);
        __asan_poison_memory_region(block, GUARD);
        __asan_poison_memory_region(after, GUARD);
        fprintf(stderr, "network %u\\n", k);
        FILE *const in = fopen(n.in, "rb"), *const out = fopen(n.out, "wb");
        void *const x = malloc(n.in_bytes), *const y = malloc(n.out_bytes);
        for (int i = 0; fread(x, 1, n.in_bytes, in) == n.in_bytes; i++) {
            const unsigned char filled = i % 2 ? 0x5A : 0xFF;
            memset(arena, filled, n.arena);
            for (unsigned g = 0; g < n.gaps; g++) {
                __asan_poison_memory_region(arena + n.gap[g][0], n.gap[g][1] - n.gap[g][0]);
            }
            if (n.run(arena, n.arena, x, y) != 0) {
                return 2;
            }
            __asan_unpoison_memory_region(arena, n.arena);
            if (spilt(&n, arena, filled)) {
                return 4;
            }
            fwrite(y, 1, n.out_bytes, out);
        }
        __asan_unpoison_memory_region(block, GUARD);
        __asan_unpoison_memory_region(after, GUARD);
        if (canaries(block) || canaries(after)) {
            return 3;
        }
        fclose(in);
        fclose(out);
        free(x);
        free(y);
        free(block);
    }
    return 0;
}
"""


@dataclass(frozen=True)
class Case:
    """A network that was compiled.

    Attributes:
        name: its seed and element type.
        compiled: what is emitted.
        fed: rows of its inputs.
        wanted: the outputs of the Python reference; None: not to be compared.
        gaps: of the arena, where nothing lies: from where to where.
    """

    name: str
    compiled: Compiled
    fed: Array
    wanted: Array | None
    gaps: tuple[tuple[int, int], ...] = ()

    @property
    def apart(self) -> Case:
        """The same with every value, ring and working memory in a place of its own, and gaps."""
        plan, end = self.compiled.plan, 0
        offsets: dict[str, int] = {}
        gaps: list[tuple[int, int]] = []
        for buffer in plan.buffers:
            offsets[buffer.name] = end
            used = end + buffer.nbytes
            end = round_up(used + GAP, 8)
            gaps.append((used, end))
        spread = replace(plan, offsets=offsets, arena_bytes=end)
        compiled = replace(self.compiled, plan=spread)
        return replace(self, name=f"{self.name} apart", compiled=compiled, gaps=tuple(gaps))


def case(seed: int, dtype: str) -> Case:
    """One network in one element type.

    Raises:
        EdgePruneError: it is refused.
    """
    source = network(seed)
    graph = typed(source, dtype, seed)
    host = load_target("host")
    target = host if seed // len(DTYPES) % 2 else replace(host, kernels=("portable",))
    recipe = Recipe(target, "float32", "size" if seed % 3 == 0 else "speed", {})
    compiled = recipe.compile_typed(graph)
    feed = feeds(graph, seed)
    rows = join_rows([feed[v] for v in graph.inputs])
    if graph.is_quantised:
        made = run_int(graph, feed)
        return Case(f"{seed} {dtype}", compiled, rows, join_rows([made[v] for v in graph.outputs]))
    values = run(graph, {v: torch.from_numpy(x) for v, x in feed.items()})
    answer = join_rows([values[v].numpy() for v in graph.outputs])
    sane = np.isfinite(answer).all() and np.abs(answer).max(initial=0) < 1e3
    return Case(f"{seed} {dtype}", compiled, rows, answer if sane else None)


class Builder:
    """Builds programs with one compiler; objects of the runtime are kept."""

    def __init__(self, cc: str, folder: Path) -> None:
        self.cc = cc
        self.folder = folder / cc
        self.folder.mkdir()
        self.objects: dict[str, Path] = {}

    def compile(self, folder: Path, *more: str) -> None:
        """Run the compiler."""
        command = [self.cc, *FLAGS, *SANITIZERS[self.cc].split(), f"-I{folder}", *more]
        subprocess.run(command, check=True, cwd=folder)

    def program(self, cases: Sequence[Case], folder: Path) -> Path:
        """A program that runs networks one after the other."""
        folder.mkdir()
        own, used, table, rows = [], set(), [], []
        for k, c in enumerate(cases):
            c.compiled.write_c(folder, f"net{k}")
            model = read_model(folder)
            own.append(f"net{k}.c")
            c.fed.tofile(folder / f"{k}.in")
            x, y = model.inputs.c_type, model.outputs.c_type
            table += [
                model.rows_function(f"row{k}"),
                f"static int call{k}(void *arena, size_t n, const void *x, void *y)",
                f"{{ return row{k}(arena, n, (const {x} *)x, ({y} *)y); }}",
            ]
            sizes = f"{model.arena_bytes}, {model.inputs.nbytes}, {model.outputs.nbytes}"
            gaps = ", ".join(f"{{{a}, {b}}}" for a, b in c.gaps) or "{0, 0}"
            table.append(f"static const unsigned gap{k}[][2] = {{{gaps}}};")
            found = f"{len(c.gaps)}, gap{k}"
            rows.append(f'{{call{k}, {sizes}, "{k}.in", "{k}.out", {found}}},')
            for source in model.sources[1:]:
                used.add(source)
                if source not in self.objects:
                    self.objects[source] = self.folder / f"{source}.o"
                    self.compile(folder, "-c", source, "-o", str(self.objects[source]))
        table += [TABLE, "static const struct network networks[] = {", *rows, "};"]
        (folder / "main.c").write_text("\n".join(table) + MAIN)
        objects = [str(self.objects[s]) for s in sorted(used)]
        self.compile(folder, "main.c", *own, *objects, "-lm", "-o", "program")
        return folder / "program"


def reference(content: bytes, rows: Array) -> Array | None:
    """What LiteRT's reference kernels answer, in a process of its own; None: it fails or aborts."""
    with tempfile.TemporaryDirectory() as temp:
        made = Path(temp) / "y.npy"
        child = os.fork()
        if child == 0:
            with open(os.devnull, "w") as nowhere:
                os.dup2(nowhere.fileno(), 2)
            try:
                np.save(made, run_tflite.run(content, rows, threads=1))
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        return np.load(made) if made.is_file() else None


def differs(case: Case, got: Array) -> str:
    """What is wrong with the outputs of the C; "" where nothing is."""
    if case.wanted is None:
        return ""
    if case.wanted.dtype == np.float32:
        gap = np.abs(got - case.wanted) / np.maximum(1, np.abs(case.wanted).max())
        return "" if gap.max(initial=0) <= 1e-4 else f"is off by {gap.max():g}"
    count = int((got != case.wanted).sum())
    return f"{count} of {got.size} integers differ from the Python reference" if count else ""


def check(cases: Sequence[Case], builders: Sequence[Builder], folder: Path) -> list[str]:
    """Run a batch under every compiler's sanitizers; what went wrong."""
    wrong = []
    for builder in builders:
        here = folder / f"batch-{builder.cc}"
        program = builder.program(cases, here)
        done = subprocess.run(
            [program], cwd=here, capture_output=True, text=True, check=False, env=ENVIRONMENT
        )
        if done.returncode:
            at = done.stderr.count("\nnetwork ") + done.stderr.startswith("network ") - 1
            lines = [x for x in done.stderr.splitlines() if "error" in x.lower()]
            wrong.append(f"{builder.cc}: {cases[at].name}: {lines[:1] or done.returncode}")
        for k, c in enumerate(cases):
            made = here / f"{k}.out"
            if not made.is_file() or made.stat().st_size == 0:
                continue
            wanted = c.wanted if c.wanted is not None else np.empty(0, np.float32)
            got = np.fromfile(made, wanted.dtype)
            if wanted.size and got.size == wanted.size:
                problem = differs(c, got.reshape(wanted.shape))
                wrong += [f"{builder.cc}: {c.name}: {problem}"] * bool(problem)
        shutil.rmtree(here)
    return wrong


def main(count: int, seed: int) -> int:
    """Make and check networks; the number of faults."""
    warnings.simplefilter("ignore")
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(prefix="edgeprune-random-") as temp:
        builders = [Builder(cc, Path(temp)) for cc in SANITIZERS if shutil.which(cc)]
        batch: list[Case] = []
        for i in range(count):
            try:
                batch.append(case(seed + i, DTYPES[i % len(DTYPES)]))
                wrong += against_litert(batch[-1], counts)
            except EdgePruneError:
                counts["refused"] += 1
            if len(batch) == BATCH or (batch and i == count - 1):
                wrong += check(batch, builders, Path(temp))
                counts["compiled"] += len(batch)
                batch = []
    told = ", ".join(f"{n} {what}" for what, n in sorted(counts.items()))
    under = " and ".join(b.cc for b in builders)
    summary = f"{count} networks under {under}: {told}; {len(wrong)} faults"
    sys.stdout.write("\n".join([*wrong, summary, ""]))
    return len(wrong)


def against_litert(case: Case, counts: Counter[str]) -> list[str]:
    """What differs between the two references."""
    if case.wanted is None or case.wanted.dtype == np.float32:
        return []
    try:
        theirs = reference(case.compiled.tflite, case.fed)
    except EdgePruneError:
        theirs = None
    if theirs is None:
        counts["not taken by LiteRT"] += 1
        return []
    counts["equal to LiteRT"] += 1
    apart = int((theirs != case.wanted).sum())
    return [f"{case.name}: {apart} of {theirs.size} integers are not LiteRT's"] if apart else []


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])) > 0)
