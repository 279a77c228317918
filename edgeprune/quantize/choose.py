"""How a network is quantised, chosen by what is measured on validation data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from edgeprune.quantize.observe import Method

METHODS: Sequence[Method] = ("minmax", "percentile", "mse")
Score = tuple[float, float]
"""Accuracy on validation data, and minus the mean squared difference to the float network."""


@dataclass(frozen=True)
class Settings:
    """How a float network is quantised.

    Attributes:
        method: how ranges are cut.
        equalises: whether channels of consecutive layers are equalised first.
        corrects_bias: whether biases make up for the weights' rounding.
        four_bit: names of the layers with weights of four bits.
    """

    method: Method = "minmax"
    equalises: bool = False
    corrects_bias: bool = False
    four_bit: frozenset[str] = frozenset()


DEFAULT = Settings()


def choose(
    score: Callable[[Settings], Score], start: Settings, *, can_equalise: bool = True
) -> Settings:
    """The settings that score best, one question after the other.

    Args:
        score: of a network so quantised; higher is better.
        start: what is varied.
        can_equalise: whether equalisation changes anything.

    Returns:
        A method, then bias correction and equalisation each where it gains; of equals the simpler.
    """
    scored = [(score(s), s) for s in (replace(start, method=m) for m in METHODS)]
    best, chosen = max(scored, key=lambda pair: pair[0])  # of equals the first
    value = score(corrected := replace(chosen, corrects_bias=True))
    if value > best:
        best, chosen = value, corrected
    if can_equalise and score(even := replace(chosen, equalises=True)) > best:
        chosen = even
    return chosen


def widen(
    settings: Settings,
    score: Callable[[Settings], Score],
    fits: Callable[[Settings], bool],
    floor: float,
) -> Settings:
    """Give layers eight bits again until four cost no accuracy.

    Layers are taken in the order of the harm that each does alone.

    Args:
        settings: with ``four_bit`` layers.
        score: of a network so quantised; higher is better.
        fits: whether a network so quantised is within the limits.
        floor: the accuracy that is enough, 0 to 1.

    Returns:
        The settings with fewer layers of four bits, or as many where the floor is met at once; as
        far as it fits.
    """
    if score(settings)[0] >= floor:
        return settings
    alone = {
        n: score(replace(settings, four_bit=frozenset({n}))) for n in sorted(settings.four_bit)
    }
    for name in sorted(alone, key=lambda n: alone[n]):
        wider = replace(settings, four_bit=settings.four_bit - {name})
        if not fits(wider):
            continue
        settings = wider
        if score(settings)[0] >= floor:
            break
    return settings
