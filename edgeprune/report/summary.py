"""What a build's page says first: what was removed, what takes bytes and time, what to do next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgeprune.emit.packages import OF_ONE, PACKAGES, PHONES
from edgeprune.report.network import blocks_of
from edgeprune.report.schema import Report
from edgeprune.report.turns import together
from edgeprune.report.words import FILES, bound

NAMED = 4
"""Layers that are named one by one."""
DROP = 0.01
"""A loss of accuracy that is worth another try."""
LITTLE = 0.005
"""A loss that is none."""
ROOMY = 1.1
"""A budget that leaves so much room did not bind."""
ADVICE = 4
"""Sentences at most."""

Rows = list[tuple[str, int]]


@dataclass(frozen=True)
class Advice:
    """What could be done next.

    Attributes:
        text: why.
        options: what to add to the command; empty: nothing of the kind.
    """

    text: str
    options: str = ""


def removed(report: Report) -> list[tuple[str, str, str]]:
    """What there is less of: (what, before and after, change)."""
    before, after = report["before"], report["after"]
    blocks = blocks_of(report)
    ports = [b for b in blocks if not b.kinds][: len(report["interface"]["inputs"])]
    turns = {row["name"] for row in report["layers"] if row.get("turn_of")}
    names = set(before["channels"]) & set(after["channels"]) - turns
    rows = [
        ("inputs read", sum(b.before for b in ports), sum(b.after for b in ports)),
        *(
            ("channels", sum(w[n] for n in names), sum(v[n] for n in names))
            for w, v in ((before["channels"], after["channels"]),)
        ),
        ("weights", before["params"], after["params"]),
        ("multiply-accumulates", before["macs"], after["macs"]),
        (bound(report), before["flash_bytes"], report["size"]["flash_bytes"]),
    ]
    told = [(name, _pair(a, b), _change(a, b)) for name, a, b in rows if a is not None]
    bits = _bits(report)
    return [*told, *bits]


def _pair(a: int, b: int) -> str:
    return f"{a:,} → {b:,}" if a != b else f"{a:,}"


def _change(a: int, b: int) -> str:
    if a == b or not a:
        return "all kept" if a == b else ""
    change = 100 * (b / a - 1)
    return f"{'−' if change < 0 else '+'}{abs(change):.{0 if abs(change) >= 9.5 else 1}f} %"


def _bits(report: Report) -> list[tuple[str, str, str]]:
    """Bits of a weight, as they are and as they were."""
    rows = [r for r in report["layers"] if r.get("bits")]
    if not rows:
        return []
    now = sorted({bits for r in rows if (bits := r["bits"])})
    was = sorted({bits for r in rows if (bits := r.get("bits_before"))})
    text = f"{now[0]:g}" if len(now) == 1 else f"{now[0]:g} to {now[-1]:g}"
    told = f"{was[-1]:g} → {text}" if was and was != now else text
    return [("bits a weight", told, "by layer" if len(now) > 1 else "")]


def cuts(report: Report) -> list[str]:
    """The layers that lost most: "hidden 100 → 61"."""
    blocks = [
        b for b in blocks_of(report) if b.after < b.before and b.family not in ("move", "port")
    ]
    blocks.sort(key=lambda b: b.after / b.before)
    rows = [f"{b.name} {b.before:,} → {b.after:,}" for b in blocks[:NAMED]]
    return rows + ([f"{len(blocks) - NAMED} more"] if len(blocks) > NAMED else [])


def bytes_by_layer(report: Report) -> Rows:
    """Bytes of flash, the largest first; what no layer causes is one of them."""
    found: dict[str, int] = {}
    for row in report.get("flash") or ():
        found[row.get("layer", "all")] = found.get(row.get("layer", "all"), 0) + row["bytes"]
    if not found:
        for layer in report["layers"]:
            size = layer.get("constant_bytes", layer["weight_bytes"])
            found[layer["name"]] = found.get(layer["name"], 0) + size
        rest = report["size"]["flash_bytes"] - sum(found.values())
        in_file = report["size"].get("basis") in FILES
        found["the file's structure" if in_file else "code and the rest"] = max(rest, 0)
    return _few(found)


def cycles_by_layer(report: Report) -> Rows:
    """Cycles of an inference, the most first; empty where they are not known."""
    found: dict[str, int] = {}
    for layer in together(report["layers"]):
        found[layer["name"]] = found.get(layer["name"], 0) + (layer["cycles"] or 0)
    return _few(found)


def work_by_layer(report: Report) -> Rows:
    """Multiply-accumulates, the most first: what is known of time where no cycles are."""
    found: dict[str, int] = {}
    for layer in together(report["layers"]):
        found[layer["name"]] = found.get(layer["name"], 0) + layer["macs"]
    return _few(found)


def _few(found: Mapping[str, int]) -> Rows:
    rows = sorted(((k, v) for k, v in found.items() if v > 0), key=lambda row: -row[1])
    if len(rows) <= NAMED + 1:
        return rows
    return [*rows[:NAMED], (f"{len(rows) - NAMED} others", sum(v for _, v in rows[NAMED:]))]


def advice(report: Report) -> list[Advice]:
    """What is worth trying next, the most useful first."""
    found = [
        *_about_accuracy(report),
        *_about_errors(report),
        *_about_time(report),
        *_about_proof(report),
    ]
    return found[:ADVICE]


def _about_accuracy(report: Report) -> list[Advice]:
    accuracy, budget = report["accuracy"], report["budget"]
    if not accuracy["n"]:
        return [Advice("Give samples: without them nothing is known of its accuracy.", "--data")]
    if budget["flash_bytes"] is None and report["pruning"] is None:
        text = f"Nothing was pruned: a budget makes it smaller than {_size(report)}."
        return [Advice(text, f"--budget {_kilobytes(report['size']['flash_bytes'] // 2)}")]
    lost = (accuracy["source"] or 0.0) - (accuracy["c"] or 0.0)
    # those on the way have eight bits a weight
    visited = [] if report["dtype"] == "mixed" else report.get("visited") or []
    now = report["size"]["flash_bytes"]
    whole = max((v["accuracy"] for v in visited), default=0.0)
    found = []
    if lost > DROP:
        good = [v for v in visited if v["flash_bytes"] > now and whole - v["accuracy"] < DROP]
        bytes_bind = budget["flash_bytes"] is not None and budget["flash_bytes"] <= ROOMY * now
        if report["pruning"] is not None and not bytes_bind:
            app = report.get("app")
            limit = "--speedup" if app and app["ms"] is not None else "another limit"
            found.append(Advice(f"Bytes do not bind: {limit} takes away what it lost."))
        elif good:
            best = min(good, key=lambda v: v["flash_bytes"])
            text = f"About {best['flash_bytes']:,} bytes would lose less than a point."
            found.append(Advice(text, f"--budget {_kilobytes(best['flash_bytes'])}"))
        whole_bytes = all(r.get("bits") in (None, 8) for r in report["layers"])
        if whole_bytes and report["dtype"] == "int8" and report["size"]["basis"] == "linked":
            found.append(Advice("Fewer bits in place of fewer channels may lose less.",
                                "--dtype mixed"))  # fmt: skip
        if report["pruning"] is not None and not report.get("finetune"):
            found.append(Advice("Training what is left wins some of it back.", "--finetune 5"))
    elif small := _smaller(visited, now, whole):
        text = f"It lost {100 * max(lost, 0):.2f} points; a network of {small:,} bytes on the way "
        found.append(Advice(text + "was as good.", f"--budget {_kilobytes(small)}"))
    elif budget["fits"]:
        half = _kilobytes(now * 3 // 4)
        text = f"It lost {100 * max(lost, 0):.2f} points: a smaller budget may do as well."
        found.append(Advice(text, f"--budget {half}"))
    return found


def _smaller(visited: Sequence[Mapping[str, Any]], now: int, whole: float) -> int | None:
    """Bytes of the smallest network on the way that is as good as the whole, if clearly smaller."""
    good = [v["flash_bytes"] for v in visited if whole - v["accuracy"] <= LITTLE]
    return min(good) if good and min(good) < 0.9 * now else None


def _about_errors(report: Report) -> list[Advice]:
    classes = report.get("classes")
    if not classes:
        return []
    worst = min(classes["rows"], key=lambda c: c["after"] - c["before"])
    lost = worst["before"] - worst["after"]
    if lost < 2 * DROP:
        return []
    names = report.get("labels")
    name = names[worst["label"]] if names else worst["label"]
    return [Advice(f"Class {name} lost most: {100 * lost:.1f} points. See what it is taken for.")]


def _about_time(report: Report) -> list[Advice]:
    if (basis := report["size"].get("basis")) in FILES:
        app = report.get("app")
        if basis != "tflite" or (app is not None and app["ms"] is not None):
            return []
        if not _can_lose(report):
            return []
        text = "It was not timed: where more speed is asked for, it is measured under XNNPACK."
        return [Advice(text, "--speedup 1.5x")]
    run, found = report["run"], []
    if run["instructions"] is None:
        if report["target"].get("kind") == "host":  # instructions are those of emulated cores
            return []
        return [Advice("It was not run: `edgeprune doctor` says what is missing for that.")]
    if run["cycles"] is not None and run["ms"] is None:
        text = "A core has no clock: name a board, and cycles become milliseconds."
        found.append(Advice(text, "--target nucleo-f446re"))
    rows = cycles_by_layer(report)
    spare = (report["budget"]["flash_bytes"] or 0) - report["size"]["flash_bytes"]
    if rows and report["target"]["optimize"] == "size" and spare > 1024:
        text = f"{spare:,} bytes are to spare: larger kernels are faster."
        found.append(Advice(text, "--optimize speed"))
    return found


def _about_proof(report: Report) -> list[Advice]:
    if not report["size"]["measured"]:
        return [Advice("Sizes are estimated: with a cross compiler they are linked.")]
    if report["accuracy"].get("samples") == "held-out":
        return [Advice("Measure it on samples that it was never trained on.", "--test")]
    if report.get("packages"):
        return [Advice("Use it: packages/ has projects that hold it, each with a README.")]
    if (basis := report["size"].get("basis")) in FILES:
        text = f"Use it: model.{basis} is what ships"
        if (name := report["target"]["name"]) not in PHONES or not _is_plain(report):
            return [Advice(f"{text}.")]
        return [Advice(f"{text}, and a project around it is made too.", f"--package {name}")]
    made = "all" if _is_plain(report) else ",".join(p for p in PACKAGES if p not in OF_ONE)
    return [Advice("Use it: c/ has the code, and project files for an ecosystem are made too.",
                   f"--package {made}")]  # fmt: skip


def _is_plain(report: Report) -> bool:
    """Whether it has one input, one output and no states: what every package can be made for."""
    ends = report["interface"]
    return len(ends["inputs"]) == len(ends["outputs"]) == 1 and not ends.get("states")


def _can_lose(report: Report) -> bool:
    """Whether there is a layer with weights that does not keep all its channels."""
    kept = report.get("kept_whole", {})
    return any(row["weight_bytes"] and row["name"] not in kept for row in report["layers"])


def _size(report: Report) -> str:
    return f"{report['size']['flash_bytes']:,} bytes"


def _kilobytes(size: int) -> str:
    """A size that holds so many bytes, as the command line takes it."""
    return f"{-(-size // 1024)}KB" if size >= 10 * 1024 else str(size)
