"""What a network may take: the one place that says whether it fits, and by how much it does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from edgeprune.errors import CannotFitError

QUANTITIES = {
    "flash": ("bytes of flash", "--budget"),
    "ram": ("bytes of RAM", "--ram"),
    "near": ("bytes of constants within reach of pointers", "--target"),
    "instructions": ("instructions", "--max-instructions"),
    "cycles": ("cycles", "--max-ms"),
    "macs": ("multiply-accumulates", "--max-macs"),
    "work": ("multiply-accumulates in whole tiles of eight channels", "--speedup"),
    "neurons": ("neurons", "--max-neurons"),
    "params": ("parameters", "--levels"),
}
"""What the known ones are called, and the option that limits them."""
FLOOR_HINT = "allow the network more, or ask for less accuracy"
SLACK = 1e-9  # of an accuracy: shares of samples are no exact numbers


@dataclass(frozen=True)
class Limits:
    """The most that a network may take.

    Attributes:
        most: by quantity; what is not there is free.
        removals: how many channels may go; None: any number.
        floor: the lowest accuracy on validation data, 0 to 1; None: any.
        bound: what the bytes of flash are of, in words.
        said: by quantity, what it is called and its option where not as ``QUANTITIES`` has it.
    """

    most: Mapping[str, float] = field(default_factory=dict)
    removals: int | None = None
    floor: float | None = None
    bound: str = "flash"
    said: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @staticmethod
    def of(bound: str = "flash", **most: float | None) -> Limits:
        """Of some quantities; None: free."""
        return Limits({k: v for k, v in most.items() if v is not None}, bound=bound)

    @property
    def is_empty(self) -> bool:
        """Whether nothing says how far to go."""
        return not self.most and self.removals is None and self.floor is None

    def title(self, quantity: str) -> str:
        """What a quantity is called."""
        return self._known(quantity)[0].replace("flash", self.bound)

    def excess(self, taken: Mapping[str, float]) -> dict[str, float]:
        """By how much a network takes more than it may, by quantity; empty where it fits."""
        return {k: taken[k] - m for k, m in self.most.items() if k in taken and taken[k] > m}

    def hold(self, taken: Mapping[str, float]) -> bool:
        """Whether a network fits."""
        return not self.excess(taken)

    def left(self, taken: Mapping[str, float]) -> dict[str, float]:
        """How much of each limited quantity a network leaves; negative where it takes too much."""
        return {k: m - taken[k] for k, m in self.most.items() if k in taken}

    def words(self, taken: Mapping[str, float]) -> str:
        """What a network takes too much of; empty where it fits."""
        return "; ".join(
            f"{taken[k]:,.0f} {self.title(k)}, the limit is {self.most[k]:,.0f}"
            for k in self.excess(taken)
        )

    def option(self, taken: Mapping[str, float]) -> str:
        """The option whose limit is exceeded, or else the first that limits anything."""
        first = next(iter({**self.excess(taken), **self.most}), "flash")
        return self._known(first)[1]

    def _known(self, quantity: str) -> tuple[str, str]:
        return {**QUANTITIES, **self.said}.get(quantity, (quantity, quantity))

    def less(self, spare: Mapping[str, float]) -> Limits:
        """What is left for the rest of a network, of which a part takes ``spare``."""
        return replace(self, most={k: m - spare.get(k, 0) for k, m in self.most.items()})

    def share(self, taken: Mapping[str, float], whole: Mapping[str, float]) -> float:
        """One number for all that is limited and exceeded, each as a share of the whole network's.

        Where all is met, of all that is limited; where nothing is limited, the parameters.
        """
        if not self.most:
            return taken["params"]
        counted = self.excess(taken) or self.most
        return sum(taken[k] / max(whole[k], 1e-12) for k in counted)

    def allow(self, accuracy: float) -> bool:
        """Whether an accuracy is enough."""
        return self.floor is None or accuracy >= self.floor - SLACK

    def refusal(self, taken: Mapping[str, float], removed: int, more: str = "") -> CannotFitError:
        """The error of a search that cannot meet its limits.

        Args:
            taken: by the network that it ended with.
            removed: how many channels had gone.
            more: what else stood in the way.
        """
        what = f"with {removed} channels removed it takes {self.words(taken)}{more}"
        return CannotFitError(self.option(taken), what, FLOOR_HINT)

    def too_little(self, accuracy: float, removed: int) -> CannotFitError:
        """The error of a search that meets its limits below the floor.

        Args:
            accuracy: that it reached.
            removed: how many channels had gone.
        """
        what = f"with {removed} channels removed it is {accuracy:.2%} on validation data"
        return CannotFitError("accuracy", f"{what}, asked are {self.floor:.2%}", FLOOR_HINT)

    def unreachable(self, source: float) -> CannotFitError:
        """The error where the source model's own accuracy is below the floor."""
        what = f"the source model itself has {source:.4f} on the validation data"
        return CannotFitError("--min-accuracy", f"{what}, {self.floor:.4f} is asked for")
