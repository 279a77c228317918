"""What the README and the pages of docs/ tell people to type works.

A page runs from top to bottom in an empty folder: every line ``$ ...`` of a block marked
``console``, and every block marked ``python``; a block marked ``toml`` whose first line is a
comment with a name is that file. A block marked with another word is only shown. All that runs
sees what `pip install edgeprune` brings, and the extras that the page says to install.
"""

from __future__ import annotations

import json
import os
import re
import struct
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from edgeprune.pruning.criteria import CRITERIA
from edgeprune.pruning.ranking import SCHEDULES
from tests.declared import absent, environment

ROOT = Path(__file__).parents[1]
PAGES = [p for p in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))) if p.is_file()]
BLOCK = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)


def steps(page: Path) -> Iterator[list[str]]:
    """The commands of a page, in order; Python blocks become programs."""
    for kind, text in BLOCK.findall(page.read_text()):
        if kind == "python":
            yield [sys.executable, "-c", text]
        if kind == "toml" and (name := re.match(r"# (\w+\.toml)\n", text)):
            yield ["bash", "-c", f"cat > {name[1]} <<'END'\n{text}END"]
        if kind == "console":
            lines = text.replace("\\\n", " ").splitlines()
            commands = (line.removeprefix("$ ") for line in lines if line.startswith("$ "))
            yield from (["bash", "-c", command] for command in commands)


def name(page: Path) -> str:
    return page.stem


def extras(page: Path) -> tuple[str, ...]:
    """The extras that a page says to install."""
    named = re.findall(r"edgeprune\[([\w,]+)\]", page.read_text())
    return tuple(sorted({extra for names in named for extra in names.split(",")}))


@pytest.mark.slow
@pytest.mark.needs("arm-none-eabi-gcc", "qemu-system-arm")
@pytest.mark.parametrize("page", [p for p in PAGES if any(steps(p))], ids=name)
def test_commands_of_a_page_work(page: Path, tmp_path: Path) -> None:
    folder, site = tmp_path / "page", tmp_path / "site"
    folder.mkdir()
    site.mkdir()
    given = environment(site, extras(page))
    given["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{given['PATH']}"
    for command in steps(page):
        done = subprocess.run(
            command, cwd=folder, env=given, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command[-1]}\n{done.stdout}{done.stderr}"
    for check in CHECKS.get(name(page), ()):
        check(folder)


def the_network_was_pruned_to_the_budget_and_still_answers(folder: Path) -> None:
    report = json.loads((folder / "net" / "report.json").read_text())
    assert report["after"]["macs"] < report["before"]["macs"]
    assert report["budget"]["fits"] is True
    assert report["accuracy"]["samples"] == "test"
    assert report["accuracy"]["c"] > report["accuracy"]["source"] - 0.05 > 0.8


CHECKS = {
    "README": (the_network_was_pruned_to_the_budget_and_still_answers,),
    "models": (the_network_was_pruned_to_the_budget_and_still_answers,),
}
"""What the sentences of a page promise of the files that its commands leave."""


def test_the_environment_of_the_pages_lacks_what_edgeprune_does_not_ask_for(tmp_path: Path) -> None:
    assert {"pytest", "sphinx", "hypothesis"} <= absent()
    assert not {"numpy", "torch", "onnx", "click", "onnxscript"} & absent()
    code = "import numpy, edgeprune\ntry: import pytest\nexcept ImportError: print('lacks it')"
    command = [sys.executable, "-c", code]
    out = subprocess.run(
        command, env=environment(tmp_path), check=True, capture_output=True, text=True
    )
    assert out.stdout.strip() == "lacks it"


@pytest.mark.slow
def test_c_code_of_the_device_page_compiles_with_what_a_build_writes(tmp_path: Path) -> None:
    page = (ROOT / "docs/device.md").read_text()
    code = next(t for kind, t in BLOCK.findall(page) if kind == "c" and "#include" in t)
    (tmp_path / "app.c").write_text(code)
    build = [sys.executable, "-m", "edgeprune", "build", "--dtype", "int8", "-o", "digits"]
    compile_ = ["gcc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-Idigits/c", "-c", "app.c"]
    for command in (build, compile_):
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)


@pytest.mark.slow
@pytest.mark.needs("nbclient", "ipykernel", "arm-none-eabi-gcc", "qemu-system-arm")
def test_the_notebook_runs_and_shows_bars_and_the_report(tmp_path: Path) -> None:
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(ROOT / "docs" / "notebook.ipynb", as_version=4)
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=600, resources=resources).execute()
    shown = [
        output["data"]["text/html"]
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if "text/html" in output.get("data", {})
    ]
    assert "<progress" in shown[0]
    assert "What was removed" in shown[1]
    assert (tmp_path / "digits" / "report.json").is_file()


def test_the_docs_build_without_a_warning(tmp_path: Path) -> None:
    command = [
        "-m",
        "sphinx",
        "-q",
        "-W",
        "--keep-going",
        "-d",
        "trees",
        str(ROOT / "docs"),
        "site",
    ]
    done = subprocess.run(
        [sys.executable, *command], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_criterion_and_schedule_is_explained() -> None:
    named = set(re.findall(r"`(\w+)`", (ROOT / "docs/criteria.md").read_text()))
    assert {*CRITERIA, *SCHEDULES} <= named


def test_figures_in_the_readme_are_those_of_the_benchmarks() -> None:
    update = ROOT / "scripts" / "update_readme.py"
    done = subprocess.run(
        [sys.executable, str(update), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text())
    local = [link for link in links if "://" not in link]
    assert not [link for link in local if not (page.parent / link).exists()]


@pytest.mark.needs("chromium", "playwright")
def test_the_pictures_of_the_docs_are_what_the_script_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import screenshots

    shown = {p.name for p in (ROOT / "docs" / "images").iterdir()}
    told = {n for p in PAGES for n in re.findall(r"\]\((?:docs/)?images/(.+?)\)", p.read_text())}
    assert (
        told == shown == {f"{p}-{s}.png" for p in ("report", "explore") for s in ("desk", "phone")}
    )
    (tmp_path / "page.html").write_text("<h1>a page</h1>")
    monkeypatch.setattr(screenshots, "IMAGES", tmp_path / "images")
    with ThreadPoolExecutor(1) as own:  # other tests' browser keeps this thread's event loop
        own.submit(screenshots.main, [str(tmp_path / "page.html")]).result()
    for screen, (width, height, _) in screenshots.SCREENS.items():
        header = (tmp_path / "images" / f"page-{screen}.png").read_bytes()[:24]
        assert struct.unpack(">II", header[16:24]) == (width, height)
