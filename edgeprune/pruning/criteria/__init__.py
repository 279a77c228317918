"""Criteria: how much a channel matters. Add one: a file with a Criterion, and its row here."""

from edgeprune.pruning.criteria.brute_force import BRUTE_FORCE
from edgeprune.pruning.criteria.context import Context, Criterion, Scores, Session

CRITERIA: dict[str, Criterion] = {c.name: c for c in (BRUTE_FORCE,)}

__all__ = ["CRITERIA", "Context", "Criterion", "Scores", "Session"]
