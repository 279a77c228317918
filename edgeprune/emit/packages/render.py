"""Templates, and what every package holds: README, licence, the generated C."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import jinja2

from edgeprune import __version__
from edgeprune.emit.packages.facts import VERSION, Facts, Files, parts
from edgeprune.emit.to_c.writer import comment
from edgeprune.resources import license_file


@cache
def _environment() -> jinja2.Environment:
    """Templates lie in ``templates/<ecosystem>``. What a model's owner wrote is untrusted."""
    env = jinja2.Environment(
        loader=jinja2.PackageLoader("edgeprune.emit.packages", "templates"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    env.filters |= {
        "n": lambda value: f"{value:,}",
        "percent": lambda value: f"{100 * value:.2f} %",
        "comment": comment,
        "line": line,
        "printable": printable,
        "json": lambda value: json.dumps(value),
        "kotlin": kotlin,
        "swift": swift,
    }
    return env


def line(text: str) -> str:
    """Untrusted text as one printable line without the marks that Markdown gives a meaning."""
    return re.sub(r"[`|<>\\]", "'", printable(text))[:400]


def printable(text: str) -> str:
    """Untrusted text as one line."""
    return "".join(c if c.isprintable() else "?" for c in text)


def kotlin(text: str) -> str:
    """Untrusted text as a literal of Kotlin."""
    return json.dumps(printable(text)).replace("$", "\\$")


def swift(text: str) -> str:
    """Untrusted text as a literal of Swift."""
    return json.dumps(printable(text), ensure_ascii=False)


def render(template: str, facts: Facts, **more: Any) -> bytes:
    """A template filled in.

    Args:
        template: path below ``templates``, without its ``.j2``.
        facts: the model.
        more: what only this template uses.
    """
    r = facts.record
    text = (
        _environment()
        .get_template(f"{template}.j2")
        .render(
            facts=facts,
            name=facts.name,
            p=facts.prefix,
            r=r,
            ins=facts.ins,
            outs=facts.outs,
            x=facts.ins[0].row,
            y=facts.outs[0].row,
            types=(facts.ins[0].kind, facts.outs[0].kind),
            version=VERSION,
            edgeprune=__version__,
            flags=facts.size_flags,
            state=facts.state,
            arena=facts.arena,
            **more,
        )
    )
    return text.encode()


def package(
    kind: str,
    files: Files,
    facts: Facts,
    places: Mapping[str, Iterable[str]],
    templates: Mapping[str, str],
    **more: Any,
) -> dict[str, bytes]:
    """A package in a folder that is called as the model.

    Args:
        kind: the ecosystem, and the folder of its templates.
        files: the generated C.
        facts: the model.
        places: by folder of the package, the generated files that lie there.
        templates: by path in the package, the template that makes it.
        more: what the templates use beside the facts.
    """
    more = {"c": parts(files, facts), **more}
    made = {
        "README.md": render(f"{kind}/README.md", facts, **more),
        "LICENSE": license_file().read_bytes(),
    }
    for folder, names in places.items():
        made |= {f"{folder}/{n}" if folder else n: files[n] for n in names}
    made |= {path: render(template, facts, **more) for path, template in templates.items()}
    return {f"{facts.name}/{path}": content for path, content in sorted(made.items())}
