"""C of the docs' pages compiles with what is written for the networks that they speak of."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from edgeprune.compiler.compile import Compiled, Recipe
from edgeprune.frontends.from_tflite import parse
from edgeprune.target import load_target
from tests.audio_files import preprocessor
from tests.emit import test_feed_rows, test_state

DOCS = Path(__file__).parents[2] / "docs"
FLAGS = "-std=c99 -Wall -Wextra -Wpedantic -Wconversion -Werror".split()


def keeping_a_sum() -> Compiled:
    return test_state.compiled(test_state.network("a sum beside the answer"))


def front_end() -> Compiled:
    graph = parse(preprocessor(), "front")
    return Recipe(load_target("cortex-m4"), "int8", "speed", {}).compile_typed(graph)


def by_rows() -> Compiled:
    return test_feed_rows.by_rows(test_feed_rows.network())


SNIPPETS = {
    ("states.md", "wake"): keeping_a_sum,
    ("sound.md", "okay_nabu_v2"): front_end,  # which has the same ports
    ("sound.md", "audio_preprocessor_int8"): front_end,
    ("device.md", "net"): by_rows,
}
"""By page and by the name of the network, what is compiled."""


@pytest.mark.needs("gcc")
@pytest.mark.parametrize(("page", "name"), SNIPPETS)
def test_c_of_a_page_compiles(page: str, name: str, tmp_path: Path) -> None:
    blocks = re.findall(r"^```c\n(.*?)^```", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)
    (text,) = (b for b in blocks if re.search(rf"\b{name.upper()}_(FEED_)?ARENA_BYTES", b))
    if "{" not in text:  # statements of a program
        text = f"static void app(const int8_t *line, int8_t *scores)\n{{\n{text}}}\n"
        text += "int main(void) { static int8_t a[64]; app(a, a); return 0; }\n"
    SNIPPETS[page, name]().write_c(tmp_path, name)
    (tmp_path / "app.c").write_text(f'#include "{name}.h"\n{text}')
    command = ["gcc", *FLAGS, f"-I{tmp_path}", "-c", "app.c", "-o", "app.o"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
