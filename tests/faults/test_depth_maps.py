"""Depth maps as programs write them: precision, near dark or light, backgrounds, EXR."""

import struct
import zlib

import numpy as np
import OpenEXR
import pytest
import tifffile
from PIL import Image

from wala_blender.conditions.image_preprocessing import one_depth, several_depths
from wala_blender.conditions.inputs import load_condition
from wala_blender.conditions.pixels import eight_bits
from wala_blender.errors import InputError

pytestmark = pytest.mark.faults

Y, X = np.mgrid[-1:1:128j, -1:1:160j] * np.array([1, 1.25])[:, None, None]
BALL = X**2 + Y**2 < 0.6
DISTANCE = 3 - np.sqrt(np.clip(0.6 - X**2 - Y**2, 0, None))  # of a ball, to the eye
NEARNESS = np.where(BALL, 0.3 + 0.7 * (3 - DISTANCE) / (3 - DISTANCE.min()), 0)


def save(path, values: np.ndarray) -> None:
    if path.suffix == ".npy":
        np.save(path, values)
    elif path.suffix == ".exr":
        write_exr(path, {"View Layer.Depth.Z": values})
    elif path.suffix == ".tif":
        tifffile.imwrite(path, values)
    elif values.ndim == 3 and values.dtype == np.uint16:
        path.write_bytes(png_of_16_bits(values))
    else:
        Image.fromarray(values).save(path)


def write_exr(path, channels: dict[str, np.ndarray]) -> None:
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    with OpenEXR.File(
        header, {name: np.ascontiguousarray(values, np.float32) for name, values in channels.items()}
    ) as file:
        file.write(str(path))


def png_of_16_bits(values: np.ndarray) -> bytes:
    """(H, W, 3) uint16, as Blender writes PNG at a depth of 16 bits."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def shown(tmp_path, values: np.ndarray, kind: str, **options) -> tuple[np.ndarray, str]:
    save(tmp_path / f"depth{kind}", values)
    seen = one_depth(load_condition("depth", {"image": f"depth{kind}"} | options, tmp_path))
    return seen.maps[0], seen.note


def check_ball(picture: np.ndarray, tolerance: float = 1.0) -> None:
    """The ball in the published look: its nearest point white, all round it black, darker towards its outline."""
    assert (
        picture.shape == BALL.shape and picture.max() == 255 and not picture[~BALL].any() and (picture[BALL] > 0).all()
    )
    ordered = picture[BALL][np.argsort(DISTANCE[BALL], kind="stable")]
    assert (np.diff(ordered) <= tolerance).all(), "what is farther is not darker"


LIGHT = {
    "8 bits": ((NEARNESS * 255).astype(np.uint8), ".png"),
    "16 bits": ((NEARNESS * 65535).astype(np.uint16), ".png"),
    "16 bits, the lowest of them": ((NEARNESS * 3000).astype(np.uint16), ".png"),
    "16 bits in colour": ((NEARNESS * 3000).astype(np.uint16)[..., None].repeat(3, axis=2), ".png"),
    "16 bits, TIFF": ((NEARNESS * 3000).astype(np.uint16), ".tif"),
    "float, TIFF": (NEARNESS.astype(np.float32), ".tif"),
    "double, TIFF": (NEARNESS, ".tif"),
    "half, TIFF": (NEARNESS.astype(np.float16), ".tif"),
    "faint float": (NEARNESS * 1e-3, ".npy"),
    "float, EXR": (NEARNESS.astype(np.float32), ".exr"),
    "cut out": (np.dstack([(NEARNESS * 255).astype(np.uint8)] * 3 + [(BALL * 255).astype(np.uint8)]), ".png"),
}


@pytest.mark.parametrize("name", LIGHT)
def test_near_light_stays_and_keeps_its_precision(tmp_path, name):
    values, kind = LIGHT[name]
    picture, note = shown(tmp_path, values, kind)
    check_ball(picture)
    assert not note and (values.dtype == np.uint8 or len(np.unique(picture)) > 300)


def metres(outside: float) -> np.ndarray:
    return np.where(BALL, DISTANCE, outside).astype(np.float32)


DARK = {
    "8 bits on white": (np.where(BALL, 80 + (DISTANCE - DISTANCE.min()) * 150, 255).astype(np.uint8), ".png"),
    "16 bits on white": (np.where(BALL, DISTANCE * 1000, 65535).astype(np.uint16), ".png"),
    "millimetres, 0 where nothing was measured": (np.where(BALL, DISTANCE * 1000, 0).astype(np.uint16), ".png"),
    "Blender's Z": (metres(1e10), ".exr"),
    "Blender's Z, clipped": (metres(100), ".exr"),
    "Blender's Z, half floats": (metres(np.inf), ".exr"),
    "metres, infinite background": (metres(np.inf), ".npy"),
    "metres, not a number": (metres(np.nan), ".npy"),
    "metres, 0": (metres(0), ".npy"),
    "metres, -1": (metres(-1), ".npy"),
    "metres, TIFF": (metres(1000), ".tif"),
    "metres in double precision": (metres(1e10).astype(np.float64), ".tif"),
    "shares of the depth, infinite background": (np.where(BALL, DISTANCE / 3.1, np.inf), ".npy"),
}


@pytest.mark.parametrize("name", DARK)
def test_near_dark_is_turned_round_and_said(tmp_path, name):
    values, kind = DARK[name]
    picture, note = shown(tmp_path, values, kind)
    check_ball(picture)
    assert "Near is dark" in note and (values.dtype == np.uint8 or len(np.unique(picture)) > 300)


def test_a_background_of_jpeg_is_one(tmp_path):
    values = DARK["8 bits on white"][0]
    Image.fromarray(values).save(tmp_path / "depth.jpg", quality=90)
    seen = one_depth(load_condition("depth", {"image": "depth.jpg"}, tmp_path))
    picture = seen.maps[0]
    assert seen.note and (picture[~BALL] == 0).mean() > 0.9 and picture[64, 80] > 240
    assert np.corrcoef(picture[BALL], DISTANCE[BALL])[0, 1] < -0.98


@pytest.mark.parametrize("dark", [False, True])
def test_a_whole_room_is_farther_at_its_walls(dark):
    room = 2 + np.maximum(np.abs(X), np.abs(Y)) + 0.2 * Y
    (picture,) = one_depth({"image": room if dark else (200 / room).astype(np.uint8)}).maps
    assert picture[64, 80] > 200 and picture[:4].mean() < 130


@pytest.mark.parametrize(("near", "light"), [("light", True), ("dark", False)])
def test_who_knows_better_says_it(tmp_path, near, light):
    picture, note = shown(tmp_path, (NEARNESS * 255).astype(np.uint8), ".png", near=near)
    assert not note and (picture[64, 80] > picture[64, 36]) == light and not picture[~BALL].any()


def test_maps_that_belong_together_are_turned_together():
    wall = np.where(BALL, 1500 + 10 * X + (X > 0.2) * (X < 0.3) * 200, 0).astype(np.uint16)  # alone, it might be either
    ball = np.where(BALL, DISTANCE * 1000, 0).astype(np.uint16)
    seen = several_depths({"images": [ball, wall, ball, ball]})
    assert "depth maps" in seen.note and all(picture[64, 80] > 100 for picture in seen.maps)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.full((20, 20), 7, np.uint16), "is 7 everywhere"),
        (np.full((20, 20), np.nan), "nothing in it is a depth"),
        (np.full((20, 20), 1e10), "nothing in it is a depth"),
        (np.ones((20, 20, 2)), "shape"),
        (np.ones((20, 20), bool), "everywhere"),
        (np.array([[1j, 2]]), "expected the numbers of one picture"),
        (np.ones((4, 20, 20)), "shape"),
    ],
)
def test_what_is_no_depth_map(tmp_path, values, words):
    with pytest.raises(InputError, match=words):
        shown(tmp_path, values, ".npy")


def test_the_depth_of_a_file_of_many_passes_is_found(tmp_path):
    noise = np.random.default_rng(0).random(BALL.shape)
    layers = {f"View Layer.Combined.{c}": noise for c in "RGBA"} | {f"View Layer.Normal.{c}": noise for c in "XYZ"}
    write_exr(tmp_path / "passes.exr", layers | {"View Layer.Depth.Z": metres(1e10)})
    check_ball(one_depth(load_condition("depth", {"image": "passes.exr"}, tmp_path)).maps[0])
    write_exr(tmp_path / "colour.exr", {c: metres(1e10) for c in "RGB"})
    check_ball(one_depth(load_condition("depth", {"image": "colour.exr"}, tmp_path)).maps[0])
    write_exr(tmp_path / "flow.exr", {"U": noise, "W": noise})
    with pytest.raises(InputError, match="channels U, W, expected Z"):
        load_condition("depth", {"image": "flow.exr"}, tmp_path)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_a_cut_off_exr(tmp_path, share):
    save(tmp_path / "whole.exr", metres(1e10))
    (tmp_path / "cut.exr").write_bytes(
        (tmp_path / "whole.exr").read_bytes()[: int(share * (tmp_path / "whole.exr").stat().st_size)]
    )
    with pytest.raises(InputError, match="empty" if share == 0 else "cannot be read"):
        load_condition("depth", {"image": "cut.exr"}, tmp_path)


def test_exr_without_its_library_says_so(tmp_path, monkeypatch):
    save(tmp_path / "depth.exr", metres(1e10))
    monkeypatch.setitem(__import__("sys").modules, "OpenEXR", None)
    with pytest.raises(InputError, match="library that reads EXR is not installed"):
        load_condition("depth", {"image": "depth.exr"}, tmp_path)


@pytest.mark.parametrize(
    "values", [(NEARNESS * 65535).astype(np.uint16), NEARNESS.astype(np.float32), NEARNESS * 7, BALL]
)
def test_other_conditions_take_eight_bits_of_the_same(values):
    picture = eight_bits(values)
    assert (
        picture.dtype == np.uint8
        and picture.max() >= 254
        and abs(int(picture[64, 80]) - int(255 * values[64, 80] / values.max())) <= 1
    )


@pytest.mark.parametrize("kind", [".exr", ".npy", ".tif"])
def test_more_pixels_than_are_read(tmp_path, kind, monkeypatch):
    monkeypatch.setattr("wala_blender.conditions.image_files.MAX_PIXELS", 100)
    with pytest.raises(InputError, match="160 × 128 pixels"):
        shown(tmp_path, NEARNESS, kind)
