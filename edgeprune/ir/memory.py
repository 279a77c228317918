"""Where a result may lie in memory."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Over:
    """That a result may lie over an operand of its node.

    Attributes:
        operand: its number.
        lead: how many bytes before the operand the result must begin, at the least.
        exact: whether it must begin there and nowhere else, if it shares memory with it.
    """

    operand: int = 0
    lead: int = 0
    exact: bool = False

    def times(self, itemsize: int) -> Over:
        """The same for elements of so many bytes, where it was counted in elements."""
        return replace(self, lead=self.lead * itemsize)
