"""The report as one self-contained page, from the record alone."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edgeprune.errors import EdgePruneError
from edgeprune.report import answers, charts, summary
from edgeprune.report.canvas import DESK, PHONE
from edgeprune.report.network import network
from edgeprune.report.schema import Report
from edgeprune.report.schema_network import Memory
from edgeprune.report.treemap import treemap
from edgeprune.report.turns import together
from edgeprune.report.words import (
    FILES,
    RUNNERS,
    about_default,
    about_held_out,
    about_outputs,
    about_samples,
    about_time,
    bound,
    rounds_in_calls,
)

NONE = "–"
LONG = 40  # characters of a cell that is broken into lines


def render(report: Report) -> str:
    """The page of a build.

    Args:
        report: the content of report.json.
    """
    from markupsafe import Markup

    classes = report.get("classes")
    is_file = report["size"].get("basis") in FILES
    return fill(
        "report.html.j2",
        r={"classes": None, "kept": [], "pruning": None, "notes": [], "visited": [], **report},
        names=report.get("labels"),
        verdict=_verdict(report),
        intervals={k: _interval(report["accuracy"], k) for k in ("source", "c")},
        figures=_pairs(report),
        network=Markup(network(report)),
        layers=together(report["layers"]),
        removed=summary.removed(report),
        cuts=summary.cuts(report),
        bytes=summary.bytes_by_layer(report),
        cycles=summary.cycles_by_layer(report),
        work=summary.work_by_layer(report) if is_file else [],
        app=report.get("app"),
        advice=summary.advice(report),
        maps=answers.input_maps(report),
        shown=answers.shown(report),
        matrices=[(w, answers.matrix(report, w)) for w in ("before", "after") if classes],
        mistakes=answers.mistakes(report) if classes else [],
        obstacles=_obstacles(report),
        file=report["size"]["basis"] if is_file else None,
        runners=RUNNERS,
        about_default=about_default(report),
        rounded=rounds_in_calls(report["agreement"]),
        about_samples=about_samples(report["accuracy"]),
        about_held_out=about_held_out(report["accuracy"]),
        about_outputs=about_outputs(report),
        about_time=about_time,
    )


@dataclass(frozen=True)
class Section:
    """A part of a page: a heading, a sentence, a figure, a table; what is empty is left out."""

    heading: str
    text: str = ""
    figure: str = ""
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()

    @property
    def kinds(self) -> list[str]:
        """By column, how it is set: figures (""), names ("text") or sentences ("text long")."""
        found = []
        for i in range(len(self.columns)):
            cells = [row[i] for row in self.rows]
            words = any(cell[:1].isalpha() for cell in cells)
            long = any(len(cell) > LONG for cell in cells)
            found.append("text long" if long else "text" if words else "")
        return found


def render_sections(title: str, lines: Sequence[str], sections: Sequence[Section]) -> str:
    """A page of figures and tables.

    Args:
        title: its title.
        lines: paragraphs on top.
        sections: what follows; figures are trusted SVG, everything else is escaped.
    """
    from markupsafe import Markup

    number = itertools.count()

    def numbered(svg: re.Match[str]) -> str:
        return _prefixed(svg[0], f"f{next(number)}-")

    figures = [re.sub(r"<svg.*?</svg>", numbered, s.figure, flags=re.DOTALL) for s in sections]
    shown = [replace(s, figure=Markup(f)) for s, f in zip(sections, figures, strict=True)]
    return fill("sections.html.j2", title=title, lines=lines, sections=shown)


def _prefixed(svg: str, prefix: str) -> str:
    """A figure with identifiers of its own: others in the page have the same, hidden ones too."""
    named = re.compile(r'(?:\sid="|href="#|="url\(#)')
    return re.sub(r"<[a-z][^>]*>", lambda tag: named.sub(rf"\g<0>{prefix}", tag[0]), svg)


def fill(template: str, **values: Any) -> str:
    """A page from a template of this folder; everything but ``Markup`` is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined
    )
    environment.filters["n"] = _number
    environment.filters["pc"] = _percent
    environment.filters["unbroken"] = _unbroken
    environment.filters["kernel"] = _kernel
    text: str = environment.get_template(template).render(**values)
    return text


def frame(page: str) -> str:
    """A page as part of another one, such as a notebook, with a style of its own.

    Args:
        page: HTML.
    """
    from markupsafe import escape

    style = "width: 100%; height: 44rem; border: 0"
    return f'<iframe style="{style}" srcdoc="{escape(page)}"></iframe>'


def page_of(report: Report, where: str) -> str:
    """The page of a build whose report came from a file.

    Args:
        report: the content of report.json.
        where: that file, for messages.

    Raises:
        EdgePruneError: the record lacks what the page shows.
    """
    from jinja2 import TemplateError

    try:
        return render(report)
    except (LookupError, TypeError, ArithmeticError, ValueError, TemplateError) as error:
        raise EdgePruneError(where, f"is incomplete: {error!r}", "build the folder again") from None


def _kernel(name: str) -> str:
    """A function of C, without the numbers of one that was made for a layer."""
    return re.sub(r"(_m?[0-9]+){4,}$", "_…", name)


def _number(value: Any) -> str:
    return NONE if value is None or value == "" else f"{value:,.0f}"


def _unbroken(text: str) -> Any:
    """The same with its options in one piece each: browsers break lines behind hyphens."""
    from markupsafe import Markup, escape

    options = re.compile(r"(--[a-z][a-z-]*)")
    return Markup(options.sub(r'<span class="whole">\1</span>', str(escape(text))))


def _percent(value: float | None) -> str:
    return NONE if value is None else f"{100 * value:.2f} %"


def _verdict(report: Report) -> str:
    budget: Mapping[str, Any] = report["budget"]
    size: Mapping[str, Any] = report["size"]
    if budget["flash_bytes"] is None and budget["ram_bytes"] is None:
        return (
            "Compiled as it is."
            if report["pruning"] is None
            else "Pruned without a budget of bytes."
        )
    parts = []
    for key, name in (("flash", bound(report)), ("ram", "RAM")):
        limit = budget[f"{key}_bytes"]
        if limit is None:
            continue
        left = limit - size[f"{key}_bytes"]
        parts.append(
            f"{left:,} bytes of {name} to spare" if left >= 0 else f"{-left:,} bytes of {name} over"
        )
    return f"{'Fits' if budget['fits'] else 'Does not fit'}: {', '.join(parts)}."


def _interval(accuracy: Mapping[str, Any], which: str) -> str:
    """Wilson's 95 % interval (Wilson 1927)."""
    p, n = accuracy[which], accuracy["n"]
    if p is None or not n or accuracy.get("measure") == "r2":
        return ""
    z = 1.96
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return f"{100 * (middle - half):.2f} to {100 * (middle + half):.2f} %"


def _pairs(report: Report) -> dict[str, Any]:
    """Every figure twice: for wide and for narrow screens."""
    from markupsafe import Markup

    desk, phone = (_figures(report, width) for width in (DESK, PHONE))
    return {k: Markup(desk[k] and two(desk[k], phone[k])) for k in desk}


def two(wide: str, narrow: str) -> str:
    """A figure for wide and for narrow screens, of which a browser shows one."""
    return f'<div class="wide">{wide}</div><div class="narrow">{narrow}</div>'


def _figures(report: Report, width: float) -> dict[str, str]:
    made = dict.fromkeys(("treemap", "memory", "arena", "importance", "frontier"), "")
    memory = report.get("memory")
    in_file = report["size"].get("basis") in FILES  # what runs it places values by itself
    if memory is not None and memory["steps"] and not in_file:
        size, steps = report["size"], memory["steps"]
        bound = size["arena_lower_bound_bytes"]
        made["memory"] = charts.memory_over_time(steps, size["arena_bytes"], bound, width)
        made["arena"] = charts.arena_map(memory["buffers"], [s["step"] for s in steps], width)
    if report.get("flash"):
        groups: dict[str, list[tuple[str, int]]] = {}
        for row in report["flash"]:
            groups.setdefault(row.get("layer", "all"), []).append((row["name"], row["bytes"]))
        made["treemap"] = treemap(groups, width)
    if report.get("removals"):
        inputs = [port["name"] for port in report["interface"]["inputs"]]
        kept = report.get("kept", [])
        made["importance"] = charts.importance(report["removals"], kept, inputs, width)
    points, visited = report.get("frontier", []), report.get("visited", [])
    if len(points) + len(visited) > 1:
        chosen, budget = report.get("frontier_chosen"), report["budget"]["flash_bytes"]
        made["frontier"] = charts.frontier(points, chosen, visited, budget, width)
    return made


def _obstacles(report: Report) -> list[str]:
    size = report["size"]
    lines = []
    weights = sorted(report["layers"], key=lambda layer: -layer["weight_bytes"])
    if weights and weights[0]["weight_bytes"]:
        top = weights[0]
        share = 100 * top["weight_bytes"] / max(size["flash_bytes"], 1)
        lines.append(
            f"{top['name']} holds {top['weight_bytes']:,} bytes of weights, {share:.0f} % of "
            f"{bound(report)}; it has {top['channels_after']} channels left."
        )
    if size["code_bytes"] is not None:
        lines.append(f"Code takes {size['code_bytes']:,} bytes whatever the widths.")
    memory = report.get("memory")
    if memory is not None and memory["steps"] and size.get("basis") not in FILES:
        peak, most = _peak(memory)
        lines.append(f"The peak of RAM is at {peak}: {most:,} bytes are alive.")
    ones = [name for name, width in report["after"]["channels"].items() if width == 1]
    if ones:
        lines.append(f"At one channel already: {', '.join(ones)}.")
    return lines


def _peak(memory: Memory) -> tuple[str, int]:
    """The step that takes most, and its bytes; what lies in the place of another counts once."""
    found = []
    at = {b["name"]: (b["offset"], b["offset"] + b["bytes"]) for b in memory["buffers"]}
    for step in memory["steps"]:
        end, taken = 0, 0
        for first, last in sorted(at[name] for name in step["live"] if name in at):
            taken += max(last - max(first, end), 0)
            end = max(end, last)
        found.append((taken, step["step"]))
    most, name = max(found, key=lambda row: row[0])
    return name, most
