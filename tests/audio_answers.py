"""What TFLite Micro itself answers to the front ends of test_audio.py: writes tests/data/audio.npz.

    python -m venv tflm && tflm/bin/pip install tflite-micro ai-edge-litert
    PYTHONPATH=.:tests tflm/bin/python tests/audio_answers.py

Its interpreter has the signal operators, which LiteRT has not.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from zlib import crc32

import numpy as np
from audio_files import FORMS, preprocessor, sounds

ANSWERS = Path(__file__).parent / "data" / "audio.npz"
FRAMES = 240


def main() -> None:
    """Run every form over its sounds, frame after frame."""
    from tflite_micro.python.tflite_micro import runtime

    found = {"version": np.array(version("tflite-micro"))}
    for name, form in FORMS.items():
        model = runtime.Interpreter.from_bytes(preprocessor(**form), arena_size=1 << 18)
        x, rows = sounds(FRAMES, form.get("samples", 480)), []
        for frame in x:
            model.set_input(frame[None], 0)
            model.invoke()
            rows.append(model.get_output(0).copy())
        found[name] = np.stack(rows)
        found[f"{name}/sounds"] = np.array(crc32(x.tobytes()))
    np.savez_compressed(ANSWERS, **found)


if __name__ == "__main__":
    main()
