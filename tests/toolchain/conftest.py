import shutil
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from toolchain.tiny import TINY, Variant


@pytest.fixture
def inputs(rng: np.random.Generator) -> npt.NDArray[np.int8]:
    return rng.integers(-128, 128, (20, 16), dtype=np.int8)


@pytest.fixture
def variant(tmp_path: Path) -> Variant:
    """Make a copy of the tiny model with other code before its first layer."""

    def make(code: str, *, declarations: str = "") -> Path:
        folder = tmp_path / "variant"
        shutil.copytree(TINY, folder, dirs_exist_ok=True)
        source = (TINY / "tiny.c").read_text()
        changed = source.replace("    EP_PROFILE(0);", f"    EP_PROFILE(0);\n    {code}")
        changed = changed.replace("ep_status tiny_run", f"{declarations}\n\nep_status tiny_run")
        (folder / "tiny.c").write_text(changed)
        return folder

    return make
