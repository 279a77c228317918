"""How close a built network's answers are to the source model's, and how close they have to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from edgeprune.ir import Array
from edgeprune.verify.relative import RELATIVE, relative_difference

SAME_FIGURE = 1e-6  # relative: what adding up in another order may change

Rule = Literal["exact", "float32", "measured"]
"""What is demanded: "exact": an integer model that was compiled as it is gives the same answers;
"float32": a float network that nothing was taken from is within ``RELATIVE``; "measured": what was
pruned or quantised is as far off as the build measured and reported, no more and no less."""


@dataclass(frozen=True)
class Distance:
    """Answers beside the source model's.

    Attributes:
        rule: what is demanded.
        n: number of samples.
        mean_square: mean squared difference, real values.
        max_relative: largest difference, relative to the larger of 1 and the largest output.
        spread: how much the source model's outputs vary: their standard deviation over the
            samples, root mean square of all outputs.
    """

    rule: Rule
    n: int
    mean_square: float
    max_relative: float
    spread: float

    @property
    def record(self) -> dict[str, Any]:
        """For report.json."""
        return asdict(self)

    @property
    def holds(self) -> bool:
        """Whether the rule is kept, as far as this alone can tell."""
        if self.rule == "exact":
            return self.max_relative == 0
        return self.rule == "measured" or self.max_relative <= RELATIVE

    def confirms(self, record: Mapping[str, Any]) -> bool:
        """Whether these are the figures of a record."""
        return all(
            abs(getattr(self, k) - record[k]) <= SAME_FIGURE * abs(record[k]) + 1e-30
            for k in ("mean_square", "max_relative")
        )


def distance(ours: Array, source: Array, rule: Rule) -> Distance:
    """Compare answers.

    Args:
        ours: real values, (n, ...).
        source: the source model's, as many.
        rule: what is demanded.
    """
    a = ours.reshape(len(ours), -1).astype(np.float64)
    b = source.reshape(len(source), -1).astype(np.float64)
    gap = np.abs(a - b)
    spread = float(np.sqrt(b.var(axis=0).mean()))
    return Distance(
        rule, len(a), float(np.mean(gap**2)), float(relative_difference(a, b).max()), spread
    )
