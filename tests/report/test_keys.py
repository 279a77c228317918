"""The page of all keys of report.json is what the types say; the page about it names no others."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_of_all_keys_is_the_one_that_the_schema_makes() -> None:
    """Else: python scripts/report_keys.py."""
    made = runpy.run_path(str(ROOT / "scripts" / "report_keys.py"))
    assert made["PAGE"].read_text() == made["page"]()


def test_every_key_that_the_page_about_reports_explains_is_in_the_schema() -> None:
    every = set(re.findall(r"^\| `(\S+)`", (ROOT / "docs" / "report_keys.md").read_text(), re.M))
    rows = re.findall(r"^\| (`[^|]*`) \|", (ROOT / "docs" / "report.md").read_text(), re.M)
    told = {key for row in rows for key in re.findall(r"`([^`]+)`", row)} - {"report.json"}
    assert len(told) > 20
    assert told <= every
