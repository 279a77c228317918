"""What a reader cannot take, told in one error: by operator, each cause once, with what helps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgeprune.errors import UnsupportedError

MAX_LINES = 40
MAX_NAMES = 4

LOOPS = "unroll it when you export, or give the layer itself instead of its loop"
RECURRENT = (
    "give the .keras file that it was converted from, whose recurrent layers are read, or convert "
    "it with unroll=True in them"
)
STATE = "export the step with its state as an input and an output, which you hand on"
LOOKUP = "start the model behind it: your own code takes rows of the table, which are its input"
TREES = "train a linear model or an MLPClassifier: trees and kernels over samples are no layers"
SEARCH = "end the model in front of it; your own code does it with the outputs"
ADVICE = {
    **dict.fromkeys(("IF", "If", "Loop", "Scan"), LOOPS),
    "WHILE": RECURRENT,
    **dict.fromkeys(("ASSIGN_VARIABLE", "CALL_ONCE", "READ_VARIABLE", "VAR_HANDLE"), STATE),
    **dict.fromkeys(("embedding_bag", "embedding_renorm"), LOOKUP),
    **dict.fromkeys(
        ("ai.onnx.ml.TreeEnsembleClassifier", "ai.onnx.ml.TreeEnsembleRegressor",
         "ai.onnx.ml.TreeEnsemble", "ai.onnx.ml.SVMClassifier", "ai.onnx.ml.SVMRegressor"), TREES,
    ),
    **dict.fromkeys(
        ("CUSTOM 'TFLite_Detection_PostProcess'", "NON_MAX_SUPPRESSION_V4",
         "NON_MAX_SUPPRESSION_V5", "NonMaxSuppression", "TOPK_V2"), SEARCH,
    ),
}  # fmt: skip
"""By operator: what to do where it is not supported."""


@dataclass(frozen=True)
class Refusal:
    """One operator that cannot be compiled.

    Attributes:
        kind: the operator, by its format's name.
        name: the user's name for the node, or its result.
        what: the cause, if it is not simply the operator.
        hint: what helps.
    """

    kind: str
    name: str
    what: str = ""
    hint: str = ""


def refusal(where: str, found: Sequence[Refusal]) -> UnsupportedError:
    """The error for all of them.

    Args:
        where: the file.
        found: not empty.
    """
    groups: dict[tuple[str, str, str], list[str]] = {}
    for r in found:
        groups.setdefault((r.kind, r.what, r.hint), []).append(repr(r.name))
    lines = [_line(*key, names) for key, names in groups.items()]
    if len(lines) > MAX_LINES:
        lines[MAX_LINES:] = [f"... and {len(lines) - MAX_LINES} more kinds"]
    plural = "operators" if len(found) > 1 else "operator"
    what = f"{len(found)} {plural} cannot be compiled:\n    " + "\n    ".join(lines)
    return UnsupportedError(where, what, "`edgeprune ops` lists what can be compiled")


def _line(kind: str, what: str, hint: str, names: Sequence[str]) -> str:
    shown = ", ".join(names[:MAX_NAMES])
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    cause = f": {what}" if what else ""
    help_ = hint or ADVICE.get(kind, "")
    return f"{shown}{more} ({kind}){cause}" + (f" ({help_})" if help_ else "")
