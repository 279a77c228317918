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
        step: where it is exact, bytes any number of which it may begin earlier or later instead;
            0: none.
    """

    operand: int = 0
    lead: int = 0
    exact: bool = False
    step: int = 0

    def times(self, itemsize: int) -> Over:
        """The same for elements of so many bytes, where it was counted in elements."""
        return replace(self, lead=self.lead * itemsize, step=self.step * itemsize)
