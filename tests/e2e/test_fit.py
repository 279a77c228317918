"""Which boards a model fits, and that a board's own flash and RAM are its limits."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edgeprune import bundled
from edgeprune.target import load_target
from tests.e2e.conftest import Command, leftovers, report_of

pytestmark = pytest.mark.needs("arm-none-eabi-gcc")
QUICK = ("--criterion", "l2", "--schedule", "single")


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some hundreds of the bundled images."""
    b = bundled.load_data()
    path = tmp_path_factory.mktemp("few") / "few.npz"
    np.savez(path, x=b.x_train[:600], y=b.y_train[:600])
    return path


def board(folder: Path, name: str, flash: int, ram: int) -> Path:
    """A profile of one's own."""
    path = folder / f"{name}.toml"
    path.write_text(
        f'title = "{name}"\ncore = "cortex-m4"\nflash_bytes = {flash}\nram_bytes = {ram}\n'
        "reserved_flash_bytes = 1000\nreserved_ram_bytes = 100\n"
    )
    return path


@pytest.mark.slow
def test_a_board_is_fitted_as_it_is_after_pruning_or_never(
    edgeprune: Command, few: Path, tmp_path: Path
) -> None:
    large = board(tmp_path, "large", 512 << 10, 64 << 10)
    small = board(tmp_path, "small", 12_000, 8_292)
    tiny = board(tmp_path, "tiny", 64 << 10, 700)
    given = (bundled.model_path(), "--data", few)
    targets = [word for path in (large, small, tiny) for word in ("--target", path)]
    done = edgeprune("fit", *given, *targets, *QUICK, "--json", "-o", tmp_path / "fit")
    assert done.status == 0, done.err
    rows = {r["target"]: r for r in done.json["targets"]}
    assert done.json == json.loads((tmp_path / "fit" / "fit.json").read_text())
    assert {n: r["fits"] for n, r in rows.items()} == {
        "large": "as it is", "small": "after pruning", "tiny": "never",
    }  # fmt: skip
    assert rows["large"]["channels"] == {"hidden": 100, "output": 10}
    assert rows["small"]["channels"]["hidden"] < 100
    assert 0.3 < rows["small"]["accuracy"] <= rows["large"]["accuracy"]
    assert "RAM" in rows["tiny"]["why"]
    assert "600 bytes" in rows["tiny"]["why"] or "is 600" in rows["tiny"]["why"]
    assert rows["tiny"]["flash_bytes"] is None
    page = (tmp_path / "fit" / "fit.html").read_text()
    assert all(f">{n}</td>" in page for n in rows)
    # building for a board, without a budget, gives what was promised
    for path in (large, small):
        out = tmp_path / path.stem
        done = edgeprune("build", *given, "--target", path, *QUICK, "-o", out)
        assert done.status == 0, done.err
        record, row, target = report_of(out), rows[path.stem], load_target(path)
        assert record["budget"] == {
            "flash_bytes": target.flash_limit, "ram_bytes": target.ram_limit, "fits": True,
        }  # fmt: skip
        for key in ("flash_bytes", "ram_bytes"):
            assert record["size"][key] == row[key] <= row[key.replace("_b", "_limit_b")]
        assert (record["dtype"], record["accuracy"]["c"]) == (row["dtype"], row["accuracy"])
        assert record["after"]["channels"] == row["channels"]
    out = tmp_path / "none"
    done = edgeprune("build", *given, "--target", tiny, *QUICK, "-o", out)
    assert done.status == 1
    assert not out.exists()


def test_a_whole_board_is_the_budget(edgeprune: Command, few: Path, tmp_path: Path) -> None:
    given = (bundled.model_path(), "--data", few, "--target", "nucleo-f446re", "--dtype", "int8")
    done = edgeprune("build", *given, "-o", tmp_path / "out")
    assert done.status == 0, done.err
    record = report_of(tmp_path / "out")
    assert record["budget"] == {"flash_bytes": 524_288, "ram_bytes": 131_072, "fits": True}
    assert record["after"]["channels"] == record["before"]["channels"]
    assert "budget: 524,288 bytes of flash" in done.err


def test_what_is_no_board_cannot_be_fitted(edgeprune: Command, tmp_path: Path) -> None:
    done = edgeprune("fit", "--target", "cortex-m4", "-o", tmp_path / "fit")
    assert done.status == 2
    assert "--target" in done.err
    assert leftovers(tmp_path) == []


@pytest.mark.slow
@pytest.mark.needs("avr-gcc", "qemu-system-avr")
def test_constants_that_avr_cannot_reach_are_pruned_away(
    edgeprune: Command, few: Path, tmp_path: Path
) -> None:
    given = (bundled.model_path(), "--data", few, "--target", "arduino-mega-2560")
    done = edgeprune("build", *given, "--dtype", "int8", *QUICK, "-o", tmp_path / "mega")
    assert done.status == 0, done.err
    record = report_of(tmp_path / "mega")
    assert 54 << 10 < record["size"]["weight_bytes"] < 56 << 10
    assert record["size"]["ram_bytes"] < 2_000
    assert record["agreement"]["target_vs_host_mismatches"] == 0
