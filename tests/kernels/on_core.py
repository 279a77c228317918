"""Runs kernel calls on an emulated core: many single-node networks in one firmware."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from kernels.harness import lead_of

from edgeprune.emit.to_c import file_name
from edgeprune.emit.to_c.calls import Operands, statements
from edgeprune.emit.to_c.writer import array
from edgeprune.ir import Array, Graph
from edgeprune.kernels.call import KernelCall
from edgeprune.resources import runtime_dir
from edgeprune.target import load_target
from edgeprune.toolchain.cmodel import CModel, Rows
from edgeprune.toolchain.counter import Counts, arguments, read_profile
from edgeprune.toolchain.emulator import emulate
from edgeprune.toolchain.firmware import build_harness

GAP = 16
"""Untouched bytes around every result."""
PAINT = 0xA5
"""What the harness fills the output with."""

_NUMBERS = count()
_C_TYPE = {"int8": "int8_t", "int16": "int16_t", "int32": "int32_t", "float32": "float"}


@dataclass(frozen=True)
class Trial:
    """A network of one node, how a kernel spells it, and what it is fed.

    Attributes:
        graph: the network.
        call: its only node in C.
        feed: its inputs.
        inplace: whether the result takes the memory of the operand that the call allows.
        behind: bytes by which a result that does not begins behind a multiple of sixteen.
    """

    graph: Graph
    call: KernelCall
    feed: dict[str, Array]
    inplace: bool = False
    behind: int = 0

    @property
    def may_lie_over(self) -> bool:
        """Whether the call allows it."""
        return self.call.inplace is not None

    @property
    def taken(self) -> str | None:
        """Name of the input that is overwritten."""
        allowed = self.call.inplace if self.inplace else None
        return None if allowed is None else self.graph.nodes[0].inputs[allowed.operand]

    @property
    def lead(self) -> int:
        """Bytes by which the result begins before the input that is overwritten."""
        y = self.graph.types[self.graph.outputs[0]].nbytes
        return lead_of(self.call, self.feed[self.taken].nbytes, y) if self.taken else 0

    @property
    def arena_bytes(self) -> int:
        """Scratch, and behind it what is computed in place."""
        held = self.feed[self.taken].nbytes if self.taken else 0
        y = self.graph.types[self.graph.outputs[0]].nbytes if self.taken else 0
        return _up(self.call.scratch_bytes) + _up(max(self.lead + held, y))


@dataclass(frozen=True)
class Result:
    """What one call made.

    Attributes:
        output: the node's result.
        counts: instructions and loads of the call; None where there is nothing that counts.
    """

    output: Array
    counts: Counts | None


def run_on_core(trials: list[Trial], target: str, optimize: str = "speed") -> list[Result]:
    """Run every call once; what it writes outside its result or its scratch fails the run."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        model, blob, places = _write(trials, folder)
        firmware = build_harness(model, load_target(target), optimize=optimize, profile=True)
        (folder / "input.bin").write_bytes(blob)
        counting = arguments(firmware, model.entry, folder)
        emulate(firmware, folder, 1, counting, patience_s=120)
        raw = np.frombuffer((folder / "output.bin").read_bytes(), np.uint8)
        profile = read_profile(firmware, folder)
    results = []
    covered = np.zeros(len(raw), bool)
    for i, (trial, at) in enumerate(zip(trials, places, strict=True)):
        y = trial.graph.types[trial.graph.outputs[0]]
        covered[at : at + y.nbytes] = True
        output = raw[at : at + y.nbytes].view(y.dtype.numpy).reshape(y.shape)
        results.append(Result(output, profile.by_layer[i] if profile else None))
    assert (raw[~covered] == PAINT).all(), "a call wrote outside its result"
    return results


def _write(trials: list[Trial], folder: Path) -> tuple[CModel, bytes, list[int]]:
    """The model that makes all calls, its input, and where in the output each result begins."""
    name = f"trials{next(_NUMBERS)}"
    headers = dict.fromkeys(h for t in trials for c in t.call.chain for h in c.headers)
    calls = [c for t in trials for c in t.call.chain]
    sources = dict.fromkeys(s for c in calls for s in (*c.sources, *c.drop_ins))
    root = runtime_dir()
    for file in [*(root / "include").iterdir(), *root.glob("arch/*/*.h"), *root.rglob("*.inc")]:
        (folder / file.name).write_bytes(file.read_bytes())
    for source in sources:
        (folder / file_name(source)).write_bytes((runtime_dir() / source).read_bytes())
    blob, places, end = bytearray(), [], GAP
    scratch = max(16, *(t.arena_bytes for t in trials))
    declared, calls = [], []
    for i, trial in enumerate(trials):
        inputs = {}
        for v, values in trial.feed.items():
            inputs[v] = len(blob)
            blob += values.tobytes() + bytes(-values.nbytes % 16)
        declared.append(_declarations(trial.call, i))
        calls.append(
            f"    EP_PROFILE({i});\n    {_call(trial, i, inputs, end + trial.behind, scratch)}"
        )
        places.append(end + trial.behind)
        end += _up(trial.behind + trial.graph.types[trial.graph.outputs[0]].nbytes) + GAP
    upper = name.upper()
    (folder / f"{name}.h").write_text(
        "#include <stddef.h>\n#include <stdint.h>\n#include <string.h>\n"
        f"#define {upper}_ARENA_BYTES {scratch}u\n#define {upper}_INPUT_BYTES {len(blob)}u\n"
        f"#define {upper}_OUTPUT_BYTES {end}u\n"
        f"int {name}_run(void *arena, size_t bytes, const int8_t *input, int8_t *output);\n"
    )
    (folder / f"{name}.c").write_text(
        f'#include "{name}.h"\n'
        + "".join(f'#include "{Path(h).name}"\n' for h in headers)
        + "\n".join(declared)
        + f"\nint {name}_run(void *arena, size_t bytes, const int8_t *input, int8_t *output)\n"
        + "{\n    (void)arena;\n    (void)bytes;\n"
        + "\n".join(calls)
        + "\n    return 0;\n}\n"
    )
    files = (f"{name}.c", *map(file_name, sources))
    model = CModel(
        folder, name, upper, files, Rows((len(blob),), ("int8",)), Rows((end,), ("int8",)),
        scratch, tuple(map(str, range(len(trials)))),
    )  # fmt: skip
    return model, bytes(blob), places


def _up(n: int) -> int:
    return -(-n // 16) * 16


def _declarations(call: KernelCall, i: int) -> str:
    prefix = f"t{i}"
    text = ""
    for k, link in enumerate(call.chain):
        text += link.instance
        for c in link.constants:
            text += array(f"{prefix}_{k}_{c.role}", np.ascontiguousarray(c.values), c.c_type)
        if link.params_type:
            rows = "".join(
                f"    .{f} = {f'{v!r}f' if isinstance(v, float) else v},\n" for f, v in link.params
            )
            text += f"static const {link.params_type} {prefix}_{k}_params = {{\n{rows}}};\n"
        if link.stage and (scales := link.stage.rescaling):
            rows = "".join(f"    .{f} = {v},\n" for f, v in scales.params)
            text += f"static const ep_rescale_s8_params {prefix}_{k}_rescaled = {{\n{rows}}};\n"
    return text


def _call(trial: Trial, i: int, inputs: dict[str, int], at: int, arena: int) -> str:
    """Scratch ends where the arena ends, so that what is behind it is watched."""
    call, graph, taken = trial.call, trial.graph, trial.taken
    inner = []
    for v in call.inputs:
        kind = _C_TYPE[graph.types[v].dtype.value]
        own = f"((char *)arena + {trial.lead})"
        place = own if v == taken else f"(const void *)(input + {inputs[v]})"
        inner.append(f"(const {kind} *){place}")
    scratch = f"(uint8_t *)arena + {(arena - call.scratch_bytes) // 4 * 4}"
    y = graph.types[graph.outputs[0]]
    place = "arena" if taken else f"(void *)(output + {at})"
    lines, done = [], 0
    for k, link in enumerate(call.chain):
        output = f"(({_C_TYPE[y.dtype.value]} *){place} + {done})"
        names = [f"t{i}_{k}_{c.role}" for c in link.constants]
        operands = Operands(f"t{i}_{k}_params", names, inner, scratch, output, f"t{i}_{k}_rescaled")
        lines += statements(link, operands)
        done += link.stage.parts * link.stage.step if link.stage else 0
    made = "\n    ".join(lines)
    if not taken:
        return made
    held = f"(char *)arena + {trial.lead}"
    before = f"memcpy({held}, input + {inputs[taken]}, {trial.feed[taken].nbytes});"
    return f"{before}\n    {made}\n    memcpy(output + {at}, arena, {y.nbytes});"
