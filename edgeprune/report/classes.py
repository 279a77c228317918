"""How often each class is answered right, and what is taken for what."""

from __future__ import annotations

import numpy as np

from edgeprune.ir import Array
from edgeprune.report.schema import Class, Classes

MOST_CLASSES = 40  # of a confusion matrix that people can read


def class_table(truth: Array, before: Array, after: Array) -> Classes | None:
    """Per class, how often the source model and the built one are right, and what they answer.

    Args:
        truth: labels, (n,).
        before: classes that the source model answers, (n,).
        after: classes that the built model answers, (n,).

    Returns:
        None for more than 40 classes.
    """
    count = int(max(truth.max(), before.max(), after.max())) + 1
    if count > MOST_CLASSES:
        return None
    tables = []
    for answer in (before, after):
        table = np.zeros((count, count), np.int64)
        np.add.at(table, (truth, answer), 1)
        tables.append(table)
    rows: list[Class] = []
    for k in range(count):
        n = int(tables[0][k].sum())
        if n:
            hits = [float(t[k, k] / n) for t in tables]
            rows.append({"label": k, "n": n, "before": hits[0], "after": hits[1]})
    return {
        "rows": rows,
        "confusion_before": tables[0].tolist(),
        "confusion_after": tables[1].tolist(),
    }
