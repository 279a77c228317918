"""Say as Markdown what changed between two tables of ``tests/test_footprint.py``.

python scripts/compare_footprints.py BEFORE.json AFTER.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

Table = dict[str, dict[str, dict[str, int | None]]]
COLUMNS = ("flash_bytes", "arena_bytes", "stack_bytes", "instructions")


def rows(before: Table, after: Table) -> list[str]:
    """A row for each network on each core where a figure moved."""
    found = []
    for core, networks in after.items():
        for name, now in networks.items():
            then = before.get(core, {}).get(name)
            if name == "compiler" or then == now:
                continue
            cells = [_change((then or {}).get(c), now[c]) for c in COLUMNS]
            found.append(f"| {core} | {name} | {' | '.join(cells)} |")
    return found


def _change(then: int | None, now: int | None) -> str:
    if now is None or then is None or then == now:
        return "" if then == now else f"{then} → {now}"
    return f"{then:,} → {now:,} ({(now - then) / then:+.1%})"


def main() -> None:
    """Print the table, or that nothing moved."""
    before, after = (json.loads(Path(p).read_text()) for p in sys.argv[1:3])
    changed = rows(before, after)
    if not changed:
        print("Bytes and instructions of the fixed networks are what they were.")
        return
    print("| core | network | flash | arena | stack | instructions |")
    print("| --- | --- | --- | --- | --- | --- |")
    print("\n".join(changed))


if __name__ == "__main__":
    main()
