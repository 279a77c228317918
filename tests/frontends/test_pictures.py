"""A folder of pictures for each class is data."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeprune.errors import EdgePruneError
from edgeprune.frontends.data import load_samples
from edgeprune.frontends.pictures import FORMATS, read_picture
from edgeprune.ir import DType, Graph, Port, QuantParams, TensorType, build_graph

COLOURS = {"blue": (0, 0, 255), "green": (0, 255, 0), "red": (255, 0, 0)}


def folder(path: Path) -> Path:
    """Two pictures of each colour, in several formats and sizes."""
    for k, (name, colour) in enumerate(COLOURS.items()):
        (path / name).mkdir(parents=True)
        for i in range(2):
            kind = FORMATS[2 * k + i]
            file = path / name / f"{i}.{kind.lower().replace('jpeg', 'JPG')}"
            Image.new("RGB", (20 + i, 30), colour).save(file, kind)
        (path / name / "notes.txt").write_text("no picture")
    (path / ".hidden").mkdir()
    Image.new("RGB", (9, 9)).save(path / ".hidden" / "x.png")
    return path


def model(shape: tuple[int, ...], port: Port | None = None, t: TensorType | None = None) -> Graph:
    ports = {} if port is None else {"x": port}
    t = t or TensorType(shape)
    return build_graph("g", [], {"x": t}, ["x"], {}, known={"x": t}, ports=ports)


def test_classes_are_numbered_by_their_names_and_pictures_have_the_models_size(
    tmp_path: Path,
) -> None:
    found = load_samples(folder(tmp_path / "d"), model((6, 4, 3)))
    assert found.y is not None
    assert found.y.tolist() == [0, 0, 1, 1, 2, 2]
    assert found.x.shape == (6, 6, 4, 3)
    assert found.bytes
    wanted = np.asarray(list(COLOURS.values()), np.float32)[found.y]
    assert np.abs(found.x - wanted[:, None, None]).max() <= 2  # JPEG and WEBP are not exact


def test_a_model_with_channels_first_gets_them_so(tmp_path: Path) -> None:
    port = Port("x", (1, 3, 6, 6), perm=(2, 0, 1))
    found = load_samples(folder(tmp_path / "d"), model((6, 6, 3), port))
    assert np.abs(found.x[0] - COLOURS["blue"]).max() <= 2


def test_one_channel_is_grey_and_integers_of_a_model_are_bytes_shifted(tmp_path: Path) -> None:
    t = TensorType((6, 4, 1), DType.INT8, QuantParams.of(1 / 255, -128))
    found = load_samples(folder(tmp_path / "d"), model((6, 4, 1), t=t))
    grey = {0: 29, 1: 150, 2: 76}  # ITU-R 601
    assert found.y is not None
    wanted = np.asarray([grey[int(k)] for k in found.y]) / 255
    assert np.abs(found.x.reshape(6, -1) - wanted[:, None]).max() <= 3 / 255


def test_a_picture_is_turned_the_right_way_up(tmp_path: Path) -> None:
    turned = Image.fromarray(np.repeat(np.array([[0, 255]], np.uint8), 8, axis=0))
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter to the right
    turned.save(tmp_path / "p.png", exif=exif)
    rows = read_picture(tmp_path / "p.png", (2, 8, 1))
    assert rows[:, :, 0].tolist() == [[0] * 8, [255] * 8]


@pytest.mark.parametrize(
    ("content", "word"), [(b"", "cannot be read"), (b"\x89PNG\r\n\x1a\n" + b"x" * 99, "cannot")]
)
def test_a_damaged_picture_is_named(tmp_path: Path, content: bytes, word: str) -> None:
    (folder(tmp_path / "d") / "red" / "bad.png").write_bytes(content)
    with pytest.raises(EdgePruneError, match=word) as caught:
        load_samples(tmp_path / "d", model((6, 4, 3)))
    assert "bad.png" in caught.value.where


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_of_sixteen_bits_the_upper_eight_count(tmp_path: Path, channels: int) -> None:
    Image.fromarray(np.full((8, 8), 1000, np.uint16)).save(tmp_path / "p.png")
    assert read_picture(tmp_path / "p.png", (4, 4, channels))[0, 0, 0] == 1000 >> 8


def test_a_picture_of_real_numbers_is_refused(tmp_path: Path) -> None:
    Image.fromarray(np.full((8, 8), 0.5, np.float32)).save(tmp_path / "p.tif")
    with pytest.raises(EdgePruneError, match="its pixels are float32 numbers"):
        read_picture(tmp_path / "p.tif", (4, 4, 1))


def test_what_is_transparent_keeps_its_colour(tmp_path: Path) -> None:
    Image.new("RGBA", (8, 8), (9, 8, 7, 0)).save(tmp_path / "p.png")
    assert read_picture(tmp_path / "p.png", (4, 4, 3))[0, 0].tolist() == [9, 8, 7]


def test_a_folder_without_a_picture_is_no_class_that_nobody_counts(tmp_path: Path) -> None:
    (folder(tmp_path / "d") / "annotations").mkdir()
    with pytest.raises(EdgePruneError, match="folders without a picture: annotations"):
        load_samples(tmp_path / "d", model((6, 4, 3)))


def test_a_picture_that_claims_to_be_huge_is_refused_at_once(tmp_path: Path) -> None:
    Image.new("1", (30_000, 30_000)).save(tmp_path / "bomb.png")
    with pytest.raises(EdgePruneError, match="pixels"):
        read_picture(tmp_path / "bomb.png", (4, 4, 3))


@pytest.mark.parametrize("shape", [(12,), (6, 4), (6, 4, 2), (3, 3, 3, 3)])
def test_a_model_that_takes_no_pictures_is_told_so(tmp_path: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(EdgePruneError, match="holds pictures, the model takes"):
        load_samples(folder(tmp_path / "d"), model(shape))


def test_more_classes_than_outputs_are_refused(tmp_path: Path) -> None:
    path = folder(tmp_path / "d")
    graph = model((1, 1, 1))
    with pytest.raises(EdgePruneError, match="labels run from 0 to 2"):
        load_samples(path, graph)


def test_a_folder_may_call_samples_as_the_model_calls_its_input(tmp_path: Path) -> None:
    x, y = np.ones((6, 4), np.float32), np.arange(6) % 4
    for name, array in (("sensed", x), ("y", y)):
        np.save(tmp_path / f"{name}.npy", array)
    found = load_samples(tmp_path, model((4,), Port("sensed", (1, 4))))
    assert found.y is not None
    assert np.array_equal(found.x, x)
    assert np.array_equal(found.y, y)


def test_nothing_is_printed_beside_the_message_of_a_damaged_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.root, "handlers", [])  # as outside of pytest
    Image.new("RGB", (9, 7)).save(tmp_path / "x.tiff")
    whole = (tmp_path / "x.tiff").read_bytes()
    samples = (277).to_bytes(2, "little") + (3).to_bytes(2, "little") + (1).to_bytes(4, "little")
    assert whole.count(samples) == 1
    many = whole.replace(samples + b"\3", samples + b"\x58")
    (tmp_path / "x.tiff").write_bytes(many)
    with pytest.raises(EdgePruneError, match=r"x\.tiff.*cannot be read as a picture"):
        read_picture(tmp_path / "x.tiff", (8, 6, 3))
    assert capsys.readouterr().err == ""
