"""Which answers are wrong, and which changed: what a page shows of a build's record."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeprune.report.pictures import png, veil

NAMED = 6
"""Mistakes that are named one by one."""
BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")


@dataclass(frozen=True)
class Cell:
    """A cell of a confusion matrix.

    Attributes:
        count: samples.
        change: against the source model.
        error: 0 to 1: how it stands among the mistakes; None on the diagonal.
        tip: the same in words.
    """

    count: int
    change: int
    error: float | None
    tip: str


def matrix(report: Mapping[str, Any], which: str) -> list[list[Cell]]:
    """Cells of a confusion matrix, those of mistakes shaded against the most frequent one.

    Args:
        report: the content of report.json, which has classes.
        which: "before" or "after".
    """
    classes = report["classes"]
    before, counts = classes["confusion_before"], classes[f"confusion_{which}"]
    worst = max([1, *(v for i, row in enumerate(counts) for j, v in enumerate(row) if i != j)])
    return [
        [
            Cell(
                v,
                v - before[i][j],
                None if i == j else v / worst,
                f"{name_of(report, i)} answered as {name_of(report, j)}: {v}, "
                f"before: {before[i][j]}",
            )
            for j, v in enumerate(row)
        ]
        for i, row in enumerate(counts)
    ]


def mistakes(report: Mapping[str, Any]) -> list[str]:
    """The most frequent mistakes in words."""
    classes = report["classes"]
    before, after = classes["confusion_before"], classes["confusion_after"]
    rows = [
        (after[i][j], before[i][j], i, j)
        for i in range(len(after))
        for j in range(len(after))
        if i != j and after[i][j]
    ]
    rows.sort(key=lambda r: (-r[0], r[2], r[3]))
    return [
        f"{name_of(report, i)} taken for {name_of(report, j)}: {now} ({was} before)"
        for now, was, i, j in rows[:NAMED]
    ]


@dataclass(frozen=True)
class Shown:
    """A sample as it is shown.

    Attributes:
        title: its number and class.
        verdict: what became of the answer.
        mood: "good", "bad" or "".
        answers: (who, class, value 0 to 1 or None, value in words).
        picture: PNG in base64; None: there is none.
        distance: of the outputs.
    """

    title: str
    verdict: str
    mood: str
    answers: Sequence[tuple[str, str, float | None, str]]
    picture: str | None
    distance: str


def shown(report: Mapping[str, Any]) -> list[Shown]:
    """The samples of a record, the worst first."""
    found = []
    for row in report.get("examples") or ():
        was, now = row["answers"]
        truth = row["truth"]
        title = f"No. {row['number']:,}"
        if "wanted" in row:
            found.append(_numbers(title, row))
            continue
        if truth is not None:
            title += f": {name_of(report, truth)}"
        verdict, mood = _verdict(truth, was, now)
        answers = [
            (who, name_of(report, label), v if 0 <= v <= 1 else None, f"{v:.3g}")
            for who, label in (("source", was), ("built", now))
            for v in [row[who][0][1]]
        ]
        found.append(
            Shown(title, verdict, mood, answers, _safe(row["picture"]), f"{row['distance']:.3g}")
        )
    return found


def _numbers(title: str, row: Mapping[str, Any]) -> Shown:
    """A sample whose answers are numbers: the one that moved most."""
    if len(row["built"]) > 1:
        title += f": output {row['built'][0][0]:.0f}"
    rows = [(w, row[w][0][1]) for w in ("wanted", "source", "built") if row[w]]
    answers = [(who, "", None, f"{v:.4g}") for who, v in rows]
    return Shown(title, "", "", answers, _safe(row["picture"]), f"{row['distance']:.3g}")


def _verdict(truth: int | None, was: int, now: int) -> tuple[str, str]:
    if was == now:
        return ("same answer", "") if truth in (None, now) else ("same answer, wrong", "")
    if truth is None:
        return "another answer", "bad"
    if now == truth:
        return "mended", "good"
    return ("now wrong", "bad") if was == truth else ("wrong otherwise", "bad")


@dataclass(frozen=True)
class InputMap:
    """What of an input is read.

    Attributes:
        name: of the input.
        text: how much.
        veil: picture of what is not read, PNG in base64.
        under: picture of the mean sample; None: there is none.
        is_flat: whether the input is a vector that is only drawn as a rectangle.
    """

    name: str
    text: str
    veil: str
    under: str | None
    is_flat: bool


def input_maps(report: Mapping[str, Any]) -> list[InputMap]:
    """A picture of every input some elements of which are not read."""
    found = []
    ports = report["interface"]["inputs"]
    for port in ports:
        ranges, shape = port.get("read"), port["shape"]
        if ranges is None:
            continue
        mask = np.zeros(int(np.prod(shape)), bool)
        for first, count in ranges:
            mask[first : first + count] = True
        text = f"{int(mask.sum()):,} of {mask.size:,} elements are read"
        under = report.get("mean_sample") if len(ports) == 1 else None
        found.append(
            InputMap(port["name"], text, png(veil(mask, shape)), _safe(under), len(shape) == 1)
        )
    return found


def name_of(report: Mapping[str, Any], label: int) -> str:
    """What a class is called."""
    names = report.get("labels")
    return str(names[label]) if names and label < len(names) else str(label)


def _safe(picture: str | None) -> str | None:
    """A picture from a file, if it is nothing but base64."""
    return picture if picture and BASE64.fullmatch(picture) else None
