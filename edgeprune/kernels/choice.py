"""Chooses among kernels by their work, which is cycles or instructions, and by flash and arena."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence

from edgeprune.kernels.call import KernelCall

SLOWER = 1.4
"""So many times the least work is done for bytes, at most; the costs may be off."""

CODED = 2.5
"""The same where weights of few values can be looked up one by one, without scratch and in a
quarter of the code: they have few values for the sake of bytes."""

LEANER = (1.15, 2.0, 4.0)
"""So many times the least work of a layer is done for a smaller arena, at most; more than the first
only where the arena would not fit the part."""

NOTHING = 2000
"""One part in so many of a network's work counts as none."""

WORTH = 2
"""Percent of the arena that a percent of the work is worth where layers run by rows for memory."""

Choice = dict[str, KernelCall]
Bytes = Callable[[Iterable[KernelCall]], int]


def smallest(
    options: Mapping[str, Sequence[KernelCall]], flash_bytes: Bytes, *, slow: bool = False
) -> Choice:
    """One call for every node, with which the network takes the least flash.

    A local search: one node takes another call, or all users of one kernel do, as long as bytes go
    down. It starts where every node has its quickest call, and where all come from one set. Nodes
    of equal calls, as the steps of a sequence, take the same one: they become a loop.

    Args:
        options: of every node, not empty.
        flash_bytes: of a network of some calls.
        slow: whether bytes are bought with any work.
    """
    first: dict[Hashable, str] = {}
    like = {
        n: first.setdefault(tuple((c.alike, c.work) for c in calls), n)
        for n, calls in options.items()
    }
    few, times = {n: options[n] for n in first.values()}, Counter(like.values())
    most = sum(min(c.work for c in calls) * _slower(calls) for calls in options.values())

    def price(choice: Choice) -> tuple[bool, int, int]:
        work = sum(c.work * times[name] for name, c in choice.items())
        return work > most and not slow, flash_bytes(choice.values()), work

    found = min((_descend(start, few, price) for start in _starts(few)), key=price)
    at = {n: k for n, c in found.items() for k, o in enumerate(few[n]) if o is c}
    return {name: options[name][at[n]] for name, n in like.items()}


def _slower(calls: Sequence[KernelCall]) -> float:
    return CODED if any(c.reads_codes for c in calls) else SLOWER


def quickest(options: Mapping[str, Sequence[KernelCall]]) -> Choice:
    """The call of every node with the least work, or nearly so and less working memory.

    Args:
        options: of every node, not empty.
    """
    fewest = {name: min(c.work for c in calls) for name, calls in options.items()}
    nothing = sum(fewest.values()) // NOTHING
    return {
        name: min(
            (c for c in calls if c.work <= fewest[name] + nothing),
            key=lambda c: (c.scratch_bytes, c.work),
        )
        for name, calls in options.items()
    }


def balanced(
    options: Mapping[str, Sequence[KernelCall]],
    quick: Choice,
    arena: Callable[[Choice], int],
) -> Choice:
    """The calls with the least product of work and arena: neither is bought dearly with the other.

    Nodes take their quickest call with so much working memory at the most; those that do not set
    the peak get their quickest one back.

    Args:
        options: of every node, not empty.
        quick: the quickest.
        arena: bytes of memory that a network of some calls needs.
    """
    limit = SLOWER * _work(quick)
    best, least, seen = quick, arena(quick) * _work(quick), {_same(quick)}
    for most in sorted({c.scratch_bytes for calls in options.values() for c in calls}):
        found = {n: _within(most, call, options[n]) for n, call in quick.items()}
        if _same(found) in seen or _work(found) > limit:
            continue
        seen.add(_same(found))
        price = arena(found) * _work(found)
        if price < least:
            best, least = found, price
    return _given_back(best, quick, arena)


def weighed(
    options: Mapping[str, Sequence[KernelCall]],
    quick: Choice,
    arena: Callable[[Choice], int],
    room: int | None = None,
) -> Choice:
    """The quickest calls, the leanest, or of these those that the room allows to be quick.

    Whichever have the lowest :func:`price`. Args are those of :func:`leanest`.
    """
    lean = leanest(options, quick, arena, room)
    spent = lean if room is None else _spent(lean, options, arena, room)
    return min(quick, lean, spent, key=lambda c: price(arena(c), _work(c), room))


def price(arena_bytes: float, work: float, room: int | None) -> tuple[float, float]:
    """What is to be lowest where layers run by rows.

    Args:
        arena_bytes: that they leave.
        work: that they take; in any unit.
        room: bytes that there are: the least work that keeps to them; None: bytes are bought with
            work, as :data:`WORTH` says.
    """
    return (arena_bytes * work**WORTH if room is None else max(arena_bytes, room)), work


def _same(choice: Choice) -> tuple[int, ...]:
    return tuple(map(id, choice.values()))


def _work(choice: Choice) -> int:
    return sum(c.work for c in choice.values())


def _within(most: int, quick: KernelCall, calls: Sequence[KernelCall]) -> KernelCall:
    """The quickest call with so much working memory at most, or else the quickest of all."""
    fitting = [c for c in calls if c.scratch_bytes <= most]
    enough = quick.scratch_bytes <= most or not fitting
    return quick if enough else min(fitting, key=lambda c: c.work)


def leanest(
    options: Mapping[str, Sequence[KernelCall]],
    quick: Choice,
    arena: Callable[[Choice], int],
    room: int | None = None,
) -> Choice:
    """The quickest calls with which the arena is as small as calls little slower can make it.

    Nodes take the call with the least working memory; those that do not set the peak, and would
    gain most, get their quickest one back.

    Args:
        options: of every node, not empty.
        quick: the quickest.
        arena: bytes of memory that a network of some calls needs.
        room: bytes that there are; None: no matter.
    """
    for slower in LEANER:
        found = _leaner(options, quick, arena, slower)
        if room is None or arena(found) <= room:
            break
    return found


def _leaner(
    options: Mapping[str, Sequence[KernelCall]],
    quick: Choice,
    arena: Callable[[Choice], int],
    slower: float,
) -> Choice:
    lean = {
        name: min(
            (c for c in options[name] if c.work <= slower * call.work),
            key=lambda c: (c.scratch_bytes, c.work),
        )
        for name, call in quick.items()
    }
    changed = [name for name, call in lean.items() if call is not quick[name]]
    if not changed or arena(lean) >= arena(quick):
        return quick
    return _given_back(lean, quick, arena)


def _given_back(lean: Choice, quick: Choice, arena: Callable[[Choice], int]) -> Choice:
    """Where the peak does not rise by it, the quickest calls.

    Those that gain most come first.
    """
    changed = [name for name, call in lean.items() if call is not quick[name]]
    least = arena(lean) if changed else 0
    for name in sorted(changed, key=lambda n: quick[n].work - lean[n].work):
        if arena(lean | {name: quick[name]}) <= least:
            lean = lean | {name: quick[name]}
    return lean


def _spent(
    lean: Choice,
    options: Mapping[str, Sequence[KernelCall]],
    arena: Callable[[Choice], int],
    room: int,
) -> Choice:
    """The quickest calls that the room allows; those that gain most come first."""
    least = max(arena(lean), room)
    quick = {name: min(c.work for c in calls) for name, calls in options.items()}
    slow = [name for name, call in lean.items() if call.work > quick[name]]
    for name in sorted(slow, key=lambda n: quick[n] - lean[n].work):
        for call in sorted(options[name], key=lambda c: (c.work, c.scratch_bytes)):
            if call.work >= lean[name].work:
                break
            if arena(lean | {name: call}) <= least:
                lean = lean | {name: call}
                break
    return lean


def _starts(options: Mapping[str, Sequence[KernelCall]]) -> Iterator[Choice]:
    yield {name: min(calls, key=lambda c: c.work) for name, calls in options.items()}
    for k in range(max(map(len, options.values()), default=1)):
        if k or any(len(calls) > 1 for calls in options.values()):
            yield {name: calls[min(k, len(calls) - 1)] for name, calls in options.items()}


def _descend(
    choice: Choice,
    options: Mapping[str, Sequence[KernelCall]],
    price: Callable[[Choice], tuple[bool, int, int]],
) -> Choice:
    best = price(choice)
    while True:
        found = min(_moves(choice, options), key=price, default=choice)
        if price(found) >= best:
            return choice
        choice, best = found, price(found)


def _moves(choice: Choice, options: Mapping[str, Sequence[KernelCall]]) -> Iterator[Choice]:
    for name, calls in options.items():
        yield from (choice | {name: call} for call in calls if call is not choice[name])
    for kernel in dict.fromkeys(c.kernel for c in choice.values()):
        others = {n: [c for c in options[n] if c.kernel != kernel] for n in choice}
        yield choice | {
            n: min(others[n], key=lambda c: c.work)
            for n, c in choice.items()
            if c.kernel == kernel and others[n]
        }
