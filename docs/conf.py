"""Sphinx settings: Markdown pages, one page of reference taken from the code."""

from __future__ import annotations

import edgeprune

project = "edgeprune"
author = "the edgeprune authors"
release = edgeprune.__version__

extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = f"edgeprune {release}"
html_copy_source = False
nitpicky = True
# Pages that are read on their own as well.
suppress_warnings = ["myst.header"]
