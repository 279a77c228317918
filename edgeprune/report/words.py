"""Sentences that every report shows, whatever its form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def about_accuracy(accuracy: Mapping[str, Any]) -> str:
    """What the accuracy in a record is of, and what it cannot tell.

    Args:
        accuracy: of report.json.
    """
    if not accuracy["n"]:
        return "no accuracy: the inputs are generated; --data has it measured"
    answers = accuracy["labels"] == "source model"
    count = f"{accuracy['n']:,} samples"
    of = f"share of {count} answered as the source model does" if answers else f"of {count}"
    if accuracy.get("samples") == "held-out":
        return (
            f"{of}: a part of --data that chose nothing. If the network was trained on these "
            "samples, it does worse in the field: --test with others tells"
        )
    return f"{of}, which chose nothing"
