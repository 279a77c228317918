"""What became of the forms of a network that were tried."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from edgeprune.errors import CannotFitError, EdgePruneError
from edgeprune.pipeline.forms import Candidate


@dataclass
class Tries:
    """Networks that could be made, and why others could not."""

    found: list[Candidate] = field(default_factory=list)
    failed: list[tuple[str, EdgePruneError]] = field(default_factory=list)

    def make(self, title: str, attempt: Callable[[], Candidate]) -> None:
        """One more."""
        try:
            self.found.append(attempt())
        except EdgePruneError as error:
            self.failed.append((title, error))

    @property
    def made(self) -> list[Candidate]:
        """All that could be made; where there is none, raises why the closest one does not fit.

        What the others were refused for is said with it: it may be what can be mended.
        """
        if self.found:
            return self.found
        over = [e for _, e in self.failed if isinstance(e, CannotFitError)]
        refused = [(t, e) for t, e in self.failed if not isinstance(e, CannotFitError)]
        if not over:
            raise refused[0][1]
        floors = [e for e in over if e.excess_bytes is not None]
        closest = min(floors, key=lambda e: e.excess_bytes or 0) if floors else over[0]
        if refused:
            title, error = refused[0]
            closest.what += f"; {title}: {error.where}: {error.what}"
        raise closest
