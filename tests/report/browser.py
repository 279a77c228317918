"""A page as a browser shows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any


class Shown:
    """A page, and all that a browser had to say about it."""

    def __init__(self, browser: Any, path: Path, width: int = 1200, scheme: str = "light") -> None:
        size = {"width": width, "height": 900}
        self.page = browser.new_page(viewport=size, color_scheme=scheme)
        self.said: list[str] = []
        self.page.on("console", lambda m: self.said.append(f"{m.type}: {m.text}"))
        self.page.on("pageerror", lambda e: self.said.append(f"error: {e}"))
        self.page.on("dialog", lambda d: (self.said.append("dialog"), d.dismiss()))
        self.page.on("request", lambda r: self.said.append(r.url) if r.url != url else None)
        url = path.resolve().as_uri()
        self.page.goto(url)

    def column(self, table: str, number: int) -> list[str]:
        cells: list[str] = self.page.locator(
            f"{table} tbody tr td:nth-child({number})"
        ).all_text_contents()
        return cells


def cut_off(page: Any) -> list[str]:
    """What reaches beyond the window, or is wider than what it scrolls in."""
    found: list[str] = page.evaluate(
        """[...document.querySelectorAll("body *")]
           .filter(e => { const r = e.getBoundingClientRect();
                          return r.width && r.right > innerWidth + 1; })
           .map(e => e.tagName + "." + e.className + ": " + e.textContent.slice(0, 40))"""
    )
    return found


def scrolled(page: Any) -> list[str]:
    """What is wider than the box that it scrolls in, so that some of it is out of sight."""
    found: list[str] = page.evaluate(
        """[...document.querySelectorAll(".scroll, .figure, .card, .box, .sample, p")]
           .filter(e => e.scrollWidth > e.clientWidth + 1)
           .map(e => `${e.scrollWidth} > ${e.clientWidth}: ${e.textContent.trim().slice(0, 40)}`)"""
    )
    return found
