"""What is said of a network that cannot be made small enough."""

from __future__ import annotations

import math
from collections.abc import Mapping

from edgeprune.compiler.compile import Compiled
from edgeprune.compiler.measure import Footprint
from edgeprune.errors import CannotFitError
from edgeprune.ir import Graph, couple
from edgeprune.pipeline.meter import Meter
from edgeprune.pruning.groups import kept_whole, kept_words, worth_a_word
from edgeprune.pruning.limits import Limits

# Bytes of constants in the first 64 KB of AVR's flash. The rest is for code and for what start-up
# code copies to RAM: QEMU 7.2 reads that from the first 64 KB only, whatever RAMPZ says.
NEAR_FLASH = 56 << 10


def refusal(
    meter: Meter,
    limits: Limits,
    compiled: Compiled,
    cost: Mapping[str, float],
    source: Graph,
    count: int,
) -> CannotFitError:
    """The error that says what the smallest network takes.

    Args:
        meter: of its form.
        limits: what it does not hold.
        compiled: the smallest network.
        cost: its price, for what is not measured.
        source: the whole network.
        count: how many of its neurons can go.
    """
    compiled, found = meter.by_rows(compiled, nearest=True)
    graph = compiled.graph
    taken = {**cost, **meter.taken(found, compiled), "near": compiled.near_bytes}
    widths = ", ".join(
        f"{n.name} {graph.types[n.output].shape[-1]}" for n in graph.nodes if n.op.weights
    )
    parts = [
        f"code {found.code_bytes:,}" if found.code_bytes is not None else "",
        f"weights and biases {found.weight_bytes:,}",
        f"arena {found.arena_bytes:,}" if meter.form.target.bound == "flash" else "",
        f"stack {found.stack_bytes:,}" if found.stack_bytes is not None else "",
    ]
    layers = sum(bool(n.op.weights) for n in source.nodes)
    kept = kept_words(worth_a_word(kept_whole(source, couple(source)), layers))
    option, ratio = limits.option(taken), ""
    if option == "--keep-ratio":
        ratio = f"{option} {math.ceil(1000 * taken['neurons'] / count) / 1000:g} or more; "
    what = (
        f"the smallest {meter.form.dtype} network takes {limits.words(taken)}\n"
        f"  it is made of: {', '.join(p for p in parts if p)} (widths: {widths})"
        + (f"\n  no channel can go of {kept}" if kept else "")
    )
    return cannot_fit(option, what, ratio, found, meter, limits)


def cannot_fit(
    option: str, what: str, hint: str, found: Footprint, meter: Meter, limits: Limits
) -> CannotFitError:
    """The error of a network that is as small as can be: the bytes that it takes, and has too much.

    Args:
        option: whose limit it is over.
        what: what it takes.
        hint: what begins the hint, before the floor.
        found: its footprint.
        meter: of its form.
        limits: what it does not hold.
    """
    bound = meter.form.target.bound
    error = CannotFitError(
        option,
        what,
        f"{hint}the floor is {found.flash_bytes:,} bytes of {bound}"
        + (f" and {found.ram_bytes:,} of RAM" if bound == "flash" else ""),
    )
    error.excess_bytes = int(sum(limits.excess(found.taken).values()))
    return error


def refuse_far_constants(compiled: Compiled) -> None:
    """Processors that read flash through 16-bit pointers reach its first 64 KB."""
    target, found = compiled.recipe.target, compiled.near_bytes
    if target.progmem and found > NEAR_FLASH:
        raise CannotFitError(
            f"target {target.name}",
            f"the network has {found:,} bytes of constants, its pointers reach {NEAR_FLASH:,}",
            "give a smaller --budget",
        )
