"""What six networks take on five cores, held in a table: flash to the byte, instructions to 1 %.

A change that moves a figure brings the table along: ``make footprint`` writes it.
Bytes are those of the compiler that the table names; another release of it may give others, and
then it is skipped.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from fixed_networks import NETWORKS, fixed
from random_networks import feeds
from toolchain.tiny import on

from edgeprune.compiler import Recipe, footprint
from edgeprune.target import load_target
from edgeprune.toolchain.compiler import require_compiler
from edgeprune.verify.run_target import run

TABLE = Path(__file__).parent / "data" / "footprint.json"
CORES = ("cortex-m0plus", "cortex-m4", "cortex-m7", "cortex-m55", "rv32imc")
SHARE = 0.01  # of the instructions


def measured(name: str, core: str, folder: Path) -> dict[str, int | None]:
    """Flash, arena and stack in bytes, and the instructions of the first inference."""
    graph = fixed(name)
    target = load_target(core)
    compiled = Recipe(target, "int8", "speed", {}).compile_typed(graph)
    size = footprint(compiled)
    compiled.write_c(folder, name)
    inputs = feeds(graph, 0)[graph.inputs[0]][-1:]
    counted = run(folder, target, inputs).profile
    assert counted is not None
    return {
        "flash_bytes": size.flash_bytes,
        "arena_bytes": size.arena_bytes,
        "stack_bytes": size.stack_bytes,
        "instructions": counted.inferences[0],
    }


def test_a_change_of_the_table_is_said_in_words(tmp_path: Path) -> None:
    before = json.loads(TABLE.read_text())
    after = json.loads(TABLE.read_text())
    after["cortex-m4"]["mlp"]["flash_bytes"] += before["cortex-m4"]["mlp"]["flash_bytes"]
    paths = [tmp_path / "before.json", tmp_path / "after.json"]
    for path, table in zip(paths, (before, after), strict=True):
        path.write_text(json.dumps(table))
    script = Path(__file__).parents[1] / "scripts" / "compare_footprints.py"
    told = [
        subprocess.run([sys.executable, script, paths[0], p], capture_output=True, text=True).stdout
        for p in paths
    ]
    assert "what they were" in told[0]
    assert "| cortex-m4 | mlp |" in told[1]
    assert "(+100.0%)" in told[1]
    assert "cortex-m7" not in told[1]


@pytest.mark.slow
@on(CORES)
def test_what_fixed_networks_take_is_in_the_table(core: str, tmp_path: Path) -> None:
    table = json.loads(TABLE.read_text())[core]
    compiler = require_compiler(load_target(core)).title
    if compiler != table["compiler"]:
        pytest.skip(f"the table is of {table['compiler']}, and bytes of {compiler} are others")
    for name in NETWORKS:
        found, held = measured(name, core, tmp_path / name), table[name]
        least, most = (held["instructions"] * (1 + sign * SHARE) for sign in (-1, 1))
        assert least <= found.pop("instructions") <= most, (name, held)
        assert found == {k: held[k] for k in found}, name


def main() -> None:
    """Write the table anew."""
    rows: dict[str, dict[str, str | dict[str, int | None]]] = {}
    for core in CORES:
        rows[core] = {"compiler": require_compiler(load_target(core)).title}
        for name in NETWORKS:
            with tempfile.TemporaryDirectory() as temp:
                rows[core][name] = measured(name, core, Path(temp) / name)
    TABLE.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
