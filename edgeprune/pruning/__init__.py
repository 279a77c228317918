"""Fewer channels: which to remove, in what order, when to stop; exact compaction."""

from edgeprune.pruning.compact import compact, folds, masked_hook, old_channels
from edgeprune.pruning.criteria import CRITERIA, Context, Criterion
from edgeprune.pruning.groups import Group, channel_names, find_groups
from edgeprune.pruning.loss import Loss, make_loss
from edgeprune.pruning.pruned import Pruned, Step
from edgeprune.pruning.ranking import SCHEDULES
from edgeprune.pruning.search import prune, smallest
from edgeprune.pruning.truth import Truth, accuracy, classes, truth_of

__all__ = [
    "CRITERIA",
    "SCHEDULES",
    "Context",
    "Criterion",
    "Group",
    "Loss",
    "Pruned",
    "Step",
    "Truth",
    "accuracy",
    "channel_names",
    "classes",
    "compact",
    "find_groups",
    "folds",
    "make_loss",
    "masked_hook",
    "old_channels",
    "prune",
    "smallest",
    "truth_of",
]
