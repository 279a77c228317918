"""Criteria: how much a channel matters. Add one: a file with a Criterion, and its row here."""

from edgeprune.pruning.criteria.activity import ACTIVATION_MEAN, FIRING_RATE
from edgeprune.pruning.criteria.brute_force import BRUTE_FORCE
from edgeprune.pruning.criteria.context import Context, Criterion, Scores, Session
from edgeprune.pruning.criteria.first_order import FISHER, TAYLOR1, TAYLOR1_ABS
from edgeprune.pruning.criteria.gates import GATES
from edgeprune.pruning.criteria.magnitude import L1, L2, RANDOM
from edgeprune.pruning.criteria.second_order import (
    TAYLOR2,
    TAYLOR2_GN,
    TAYLOR2_LECUN,
    TAYLOR2_MEAN,
    TAYLOR2_MEDIAN,
)

CRITERIA: dict[str, Criterion] = {
    c.name: c
    for c in (
        BRUTE_FORCE,
        TAYLOR1,
        TAYLOR1_ABS,
        TAYLOR2,
        TAYLOR2_GN,
        TAYLOR2_LECUN,
        TAYLOR2_MEAN,
        TAYLOR2_MEDIAN,
        FISHER,
        ACTIVATION_MEAN,
        FIRING_RATE,
        GATES,
        L1,
        L2,
        RANDOM,
    )
}

__all__ = ["CRITERIA", "Context", "Criterion", "Scores", "Session"]
