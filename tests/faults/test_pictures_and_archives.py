"""Pictures and archives that claim, hold or unpack to more than they should."""

import io
import struct
import subprocess
import sys
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image

from wala_blender.array_files import read_npz
from wala_blender.conditions.inputs import load_inputs
from wala_blender.errors import InputError

pytestmark = pytest.mark.faults
# Reads a picture in a process of its own and says how many MiB that took at its peak.
MEMORY = """
import resource, sys
from wala_blender.conditions.inputs import load_inputs
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
load_inputs({"image": sys.argv[2]}, sys.argv[1])
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


def reading(folder, name, file) -> tuple[str, float]:
    """What refuses an input of arrays, and the MiB that they took at their peak."""
    tracemalloc.start()
    try:
        with pytest.raises(InputError) as refused:
            load_inputs({name: file}, folder)
        return str(refused.value), tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()


def png(width: int, height: int, colour: int = 2, rows: bytes = b"") -> bytes:
    """A PNG of 8-bit channels that says it has this size; its pixels are ``rows``."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def black(width: int, height: int) -> bytes:
    """Packed rows of black, as a hostile PNG has them: 1000 times smaller than its pixels."""
    packer = zlib.compressobj(9)
    row = bytes(3 * width + 1)
    return b"".join(packer.compress(row) for _ in range(height)) + packer.flush()


@pytest.mark.parametrize(
    ("width", "height"),
    [(8001, 8000), (13_000, 13_000), (20_000, 20_000), (2**31 - 1, 1), (1, 64_000_001), (2**31 - 1, 2**31 - 1)],
)
def test_a_picture_that_says_it_has_too_many_pixels(tmp_path, width, height):
    (tmp_path / "a.png").write_bytes(png(width, height))
    with pytest.raises(InputError, match="64 megapixels|too large|cannot be read"):
        load_inputs({"image": "a.png"}, tmp_path)


@pytest.mark.parametrize("kind", ["BMP", "TIFF", "GIF", "PPM", "TGA", "WEBP", "JPEG"])
def test_too_many_pixels_in_every_kind_of_file(tmp_path, kind, monkeypatch):
    monkeypatch.setattr("wala_blender.conditions.image_files.MAX_PIXELS", 100)
    Image.new("RGB", (20, 10)).save(tmp_path / "a.bin", kind)
    with pytest.raises(InputError, match="20 × 10 pixels"):
        load_inputs({"image": "a.bin"}, tmp_path)


def test_a_small_file_of_many_pixels_takes_little_memory(tmp_path):
    rows = black(8000, 8000)
    content = png(8000, 8000)
    start = content.index(b"IDAT") - 4
    body = struct.pack(">I", len(rows)) + b"IDAT" + rows + struct.pack(">I", zlib.crc32(b"IDAT" + rows))
    (tmp_path / "a.png").write_bytes(content[:start] + body + content[-12:])
    assert (tmp_path / "a.png").stat().st_size < 2**20
    made = subprocess.run(
        [sys.executable, "-c", MEMORY, str(tmp_path), "a.png"], capture_output=True, text=True, check=True
    )
    assert float(made.stdout) < 600


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n%%EndComments\n(x) run\nshowpage\n",
            "kind that is read",
        ),
        (b"\xc5\xd0\xd3\xc6" + bytes(60), "kind that is read"),
        (b"%PDF-1.4\n", "kind that is read"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "kind that is read"),
        (b"\xd7\xcd\xc6\x9a" + bytes(100), "kind that is read"),
        (b"SIMPLE  =                    T" + b" " * 100, "kind that is read"),
        (b"P6\n-5 5\n255\n", "read"),
        (b"P6\n99999999999 9\n255\n", "read"),
        (b"\x89PNG\r\n\x1a\n", "read"),
        (b"GIF89a", "read"),
        (b"BM" + bytes(60), "read"),
        (b"\xff\xd8\xff", "read"),
        (b"II*\0\xff\xff\xff\xff", "read"),
    ],
)
@pytest.mark.parametrize("suffix", [".png", ".eps"])
def test_what_is_no_picture_starts_no_program(tmp_path, content, words, suffix, monkeypatch):
    monkeypatch.setattr("subprocess.Popen", lambda *_, **__: pytest.fail("a program was started"))
    (tmp_path / f"a{suffix}").write_bytes(content)
    with pytest.raises(InputError, match=words):
        load_inputs({"image": f"a{suffix}"}, tmp_path)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM"])
@pytest.mark.parametrize("share", [0.2, 0.6, 0.95])
def test_a_picture_that_ends_too_early(tmp_path, kind, share):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8))
    whole = io.BytesIO()
    noise.save(whole, kind)
    (tmp_path / "a").write_bytes(whole.getvalue()[: int(len(whole.getvalue()) * share)])
    with pytest.raises(InputError, match="read"):
        load_inputs({"image": "a"}, tmp_path)


def test_tiles_much_larger_than_the_picture(tmp_path):
    tags = {
        256: (4, 16),
        257: (4, 16),
        258: (3, 8),
        259: (3, 1),
        262: (3, 1),
        277: (3, 1),
        322: (4, 60_000),
        323: (4, 60_000),
        324: (4, 8),
        325: (4, 8),
    }
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, (kind, value) in tags.items())
    (tmp_path / "a.tif").write_bytes(
        b"II*\0" + struct.pack("<I", 16) + bytes(8) + struct.pack("<H", len(tags)) + entries + bytes(4)
    )
    with pytest.raises(InputError, match="tiles of 60000"):
        load_inputs({"image": "a.tif"}, tmp_path)


def test_damaged_exif_costs_nothing(tmp_path):
    Image.new("RGB", (30, 20)).save(tmp_path / "s.jpg", exif=b"Exif\0\0not a TIFF header")
    assert load_inputs({"image": "s.jpg"}, tmp_path)["image"].shape == (20, 30, 3)


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGB", "RGBA", "I;16", "CMYK", "F"])
def test_a_large_picture_of_every_mode_is_made_smaller(tmp_path, mode):
    Image.new(mode, (9000, 40)).save(tmp_path / "a.tif")
    assert load_inputs({"image": "a.tif"}, tmp_path)["image"].shape[:2] == (14, 3000)


def npz(path, method=zipfile.ZIP_DEFLATED, **members: bytes):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)


def header(shape: str, kind: str = "<f4", version: bytes = b"\x01\x00") -> bytes:
    words = f"{{'descr': {kind!r}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY" + version + struct.pack("<H", len(words) + 1) + words + b"\n"


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize(("name", "members"), [("mesh", ("vertices", "faces")), ("polylines", ("points", "offsets"))])
def test_an_archive_that_unpacks_to_much_takes_little_memory(tmp_path, method, name, members):
    first = (
        header("(10000000, 3)") + bytes(120_000_000) if name == "mesh" else header("(10000000, 2)") + bytes(80_000_000)
    )
    npz(tmp_path / "a.npz", method, **{members[0]: first, members[1]: header("(1, 3)", "<i4") + bytes(12)})
    assert (tmp_path / "a.npz").stat().st_size < 2**20
    said, taken = reading(tmp_path, name, "a.npz")
    assert ("would unpack to" in said or "is packed by method" in said) and taken < 100


@pytest.mark.parametrize(
    "shape",
    [
        "(1000000000000, 3)",
        "(400000000, 3)",
        "(2, 3)",
        "(-1, 3)",
        "(-1, -3)",
        "(99999999999999999999, 3)",
        "(1, 3, 1000000000000000)",
    ],
)
@pytest.mark.parametrize("kind", [".npy", ".npz"])
def test_an_array_that_says_it_is_larger_than_its_file(tmp_path, shape, kind):
    content = header(shape) + bytes(12)
    if kind == ".npz":
        npz(tmp_path / "a.npz", vertices=content, faces=content)
    else:
        (tmp_path / "a.npy").write_bytes(content)
    said, taken = reading(tmp_path, "points" if kind == ".npy" else "mesh", f"a{kind}")
    assert "cannot be read" in said and taken < 50


@pytest.mark.parametrize(
    "content",
    [
        header("(1, 3)", "|O") + b"cos\nsystem\n(S'true'\ntR.",
        header("(1, 3)", "<q9"),
        header("1, 3"),
        header("[1, 3]"),
        header("(1, 3)", "<f4", b"\x09\x00"),
        header("(1, 3)", "<f4", b"\x03\x00"),
        header("(" * 3000),
        header("(1.5, 3)"),
        b"\x93NUMPY",
        b"\x80\x04cposix\nsystem\n",
        b"text",
        b"PK\x03\x04",
        b"PK",
    ],
)
@pytest.mark.parametrize("kind", [".npy", ".npz"])
def test_a_damaged_or_hostile_array(tmp_path, content, kind):
    (tmp_path / f"a{kind}").write_bytes(content)
    with pytest.raises(InputError):
        load_inputs({"points" if kind == ".npy" else "mesh": f"a{kind}"}, tmp_path)
    npz(tmp_path / "b.npz", vertices=content, faces=content)
    with pytest.raises(InputError):
        load_inputs({"mesh": "b.npz"}, tmp_path)


def test_a_large_mesh_that_packs_well_is_read(tmp_path):
    side = 1300
    x, y = np.meshgrid(np.arange(side, dtype=np.float32), np.arange(side, dtype=np.float32))
    corner = (np.arange(side - 1)[:, None] * side + np.arange(side - 1)).ravel()
    faces = np.concatenate(
        [np.stack([corner, corner + 1, corner + side], 1), np.stack([corner + 1, corner + side + 1, corner + side], 1)]
    )
    np.savez_compressed(
        tmp_path / "a.npz", vertices=np.stack([x.ravel(), y.ravel(), np.sin(x.ravel())], 1), faces=faces
    )
    assert len(read_npz(tmp_path / "a.npz", "vertices", "faces")[1]) == len(faces)
