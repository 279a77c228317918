r"""Take the pictures of pages that the docs show.

    edgeprune build --budget 64KB -o build/demo
    edgeprune explore --levels 30,60 --criterion l2 --dtype int8 --target nucleo-f446re \
        -o build/explore
    python scripts/screenshots.py build/demo/report.html build/explore/explore.html

Writes docs/images/<page>-desk.png, as a desk's screen shows it, and <page>-phone.png, dark.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

IMAGES = Path(__file__).parents[1] / "docs" / "images"
SCREENS = {"desk": (1280, 900, "light"), "phone": (390, 844, "dark")}


def main(pages: list[str]) -> None:
    """Write a picture of the first screen of each page, for each kind of screen."""
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        for page in map(Path, pages):
            for screen, (width, height, scheme) in SCREENS.items():
                size = {"width": width, "height": height}
                shown = browser.new_page(viewport=size, color_scheme=scheme)
                shown.goto(page.resolve().as_uri())
                shown.screenshot(path=IMAGES / f"{page.stem}-{screen}.png")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
