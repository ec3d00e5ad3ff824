"""Point clouds as scanners and spreadsheets write them: read as the same points, or refused on one line."""

import struct

import numpy as np
import pytest
from shapes import box, sphere

from wala_blender.conditions.inputs import load_inputs
from wala_blender.conditions.points import prepare
from wala_blender.errors import InputError
from wala_blender.geometry.meshes import write_mesh

pytestmark = pytest.mark.faults

POINTS = np.round(np.random.default_rng(0).uniform(-1, 1, (60, 3)), 4)
LINES = ["{:.4f} {:.4f} {:.4f}".format(*point) for point in POINTS]
TEXT = "\n".join(LINES) + "\n"
TEXTS = {
    "plain": TEXT,
    "mark": "\ufeff" + TEXT,
    "header": "x y z\n" + TEXT,
    "capitals": "X,Y,Z\n" + TEXT.replace(" ", ","),
    "quoted": '"x","y","z"\n' + TEXT.replace(" ", ","),
    "cloud header": "//X Y Z\n" + TEXT,
    "count": "60\n" + TEXT,
    "cloud header and count": "//X Y Z\n60\n" + TEXT,
    "semicolons": TEXT.replace(" ", ";"),
    "semicolons at the end": TEXT.replace(" ", ";").replace("\n", ";\n"),
    "count and semicolons": "60\n" + TEXT.replace(" ", ";"),
    "commas": TEXT.replace(" ", ","),
    "commas and spaces": TEXT.replace(" ", ", "),
    "tabs": TEXT.replace(" ", "\t"),
    "cr": TEXT.replace("\n", "\r"),
    "crlf": TEXT.replace("\n", "\r\n"),
    "six columns": TEXT.replace("\n", " 0 0 1\n"),
    "colours": TEXT.replace("\n", " 255 0 0\n"),
    "seven columns": "60\n" + TEXT.replace("\n", " -1200 255 0 0\n"),
    "named columns": "id;x;y;z\n" + "".join(f"{i};{line.replace(' ', ';')}\n" for i, line in enumerate(LINES)),
    "columns turned": "Z X Y\n" + "".join(f"{z:.4f} {x:.4f} {y:.4f}\n" for x, y, z in POINTS),
    "normals first": "nx,ny,nz,Points:0,Points:1,Points:2\n"
    + "".join(f"0,0,1,{line.replace(' ', ',')}\n" for line in LINES),
    "units": "x[m] y[m] z[m]\n" + TEXT,
    "colours named": "//X Y Z R G B\n" + TEXT.replace("\n", " 1 2 3\n"),
    "comments": "# a scan\n% more\n" + TEXT + "# end\n",
    "blank lines": "\n\n" + TEXT.replace("\n", "\n\n"),
    "heading": "Scan of a chair\n" + TEXT,
    "exponents": "".join("{:.8e} {:.8e} {:.8e}\n".format(*point) for point in POINTS),
    "no last line end": TEXT.rstrip(),
}


@pytest.mark.parametrize("kind", ["xyz", "txt", "asc", "csv", "pts"])
@pytest.mark.parametrize("name", TEXTS)
def test_a_text_of_any_make_is_the_same_points(tmp_path, name, kind):
    (tmp_path / f"p.{kind}").write_text(TEXTS[name], encoding="utf-8", newline="")
    loaded = load_inputs({"points": f"p.{kind}"}, tmp_path)
    assert np.allclose(loaded["points"], POINTS, atol=1e-6) and "notes" not in loaded


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace(".", ","),
        TEXT.replace(".", ",").replace(" ", ";"),
        TEXT.replace(".", ",").replace(" ", "\t"),
        "x y z\n" + TEXT.replace(".", ","),
        "60\n" + TEXT.replace(".", ","),
        TEXT.replace(".", ",").replace(" ", ","),
        "0 0 0\n" + TEXT.replace(".", ","),
        TEXT.replace(".", ",").replace(" ", " ; "),
        "1.5 2.5 3.5\n" + TEXT.replace(".", ","),
        "x;y;z\n" + TEXT.replace(".", ",").replace(" ", ";"),
    ],
)
@pytest.mark.parametrize("kind", ["xyz", "csv"])
def test_decimal_commas_are_refused_with_words(tmp_path, text, kind):
    (tmp_path / f"p.{kind}").write_text(text)
    with pytest.raises(InputError, match="decimal commas, expected decimal points"):
        load_inputs({"points": f"p.{kind}"}, tmp_path)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("1 2", "line 61: not a point"),
        ("1 x 2", "line 61"),
        ("one", "line 61"),
        ("1 2 3m", "line 61"),
        ("0x1 2 3", "line 61"),
    ],
)
def test_a_line_that_is_no_point_is_named(tmp_path, line, words):
    (tmp_path / "p.xyz").write_text(TEXT + line + "\n")
    with pytest.raises(InputError, match=words):
        load_inputs({"points": "p.xyz"}, tmp_path)


@pytest.mark.parametrize("bad", ["nan nan nan", "0 nan 0", "inf 0 0", "0 -inf 0", "1e40 0 0", "NaN NaN NaN 0 0 1"])
@pytest.mark.parametrize("first", [True, False])
def test_rows_that_are_not_numbers_are_left_out_and_said(tmp_path, bad, first):
    (tmp_path / "p.xyz").write_text(f"{bad}\n{TEXT}" if first else f"{TEXT}{bad}\n")
    loaded = load_inputs({"points": "p.xyz"}, tmp_path)
    assert np.allclose(loaded["points"], POINTS) and loaded["notes"] == [
        "1 of 61 points are not finite numbers and were left out"
    ]


def test_a_count_that_is_wrong_is_said(tmp_path):
    (tmp_path / "p.xyz").write_text("3000\n" + TEXT)
    assert load_inputs({"points": "p.xyz"}, tmp_path)["notes"] == ["p.xyz says 3000 points and has 60"]


def test_columns_of_other_names_are_said(tmp_path):
    (tmp_path / "p.csv").write_text("east,north,up,time\n" + "".join(line.replace(" ", ",") + ",7\n" for line in LINES))
    assert (
        "the first three of the columns 'east,north,up,time'" in load_inputs({"points": "p.csv"}, tmp_path)["notes"][0]
    )


def pack_lzf(data: bytes) -> bytes:
    """Literal runs, and the longest repeat of the 64 bytes before where there is one."""
    packed, at, literal = b"", 0, b""

    def flushed() -> bytes:
        return b"".join(bytes([len(literal[i : i + 32]) - 1]) + literal[i : i + 32] for i in range(0, len(literal), 32))

    while at < len(data):
        found = max(
            (
                (length, back)
                for back in range(1, min(at, 64) + 1)
                for length in [
                    next((n for n in range(264) if at + n >= len(data) or data[at + n] != data[at + n - back]), 264)
                ]
            ),
            default=(0, 0),
        )
        if found[0] >= 3:
            length, back = found[0] - 2, found[1] - 1
            packed += (
                flushed()
                + (bytes([length << 5 | back >> 8]) if length < 7 else bytes([7 << 5 | back >> 8, length - 7]))
                + bytes([back & 255])
            )
            at, literal = at + found[0], b""
        else:
            literal += data[at : at + 1]
            at += 1
    return packed + flushed()


def pcd(form: str, fields=("x", "y", "z"), kind="F", size=4) -> bytes:
    columns = {"x": POINTS[:, 0], "y": POINTS[:, 1], "z": POINTS[:, 2]}
    table = np.stack([columns.get(field, np.full(60, 7)) for field in fields], 1)
    head = (
        f"# .PCD v.7\nVERSION .7\nFIELDS {' '.join(fields)}\nSIZE {' '.join([str(size)] * len(fields))}\nTYPE {' '.join([kind] * len(fields))}\n"
        f"COUNT {' '.join(['1'] * len(fields))}\nWIDTH 60\nHEIGHT 1\nVIEWPOINT 0 0 0 1 0 0 0\nPOINTS 60\nDATA {form}\n"
    ).encode()
    if form == "ascii":
        return head + "\n".join(" ".join(map(str, row)) for row in table.tolist()).encode() + b"\n"
    table = table.astype(f"<f{size}")
    if form == "binary":
        return head + table.tobytes()
    plain = table.T.tobytes()
    packed = pack_lzf(plain)
    return head + struct.pack("<II", len(packed), len(plain)) + packed


@pytest.mark.parametrize("form", ["ascii", "binary", "binary_compressed"])
@pytest.mark.parametrize(
    ("fields", "size"),
    [(("x", "y", "z"), 4), (("x", "y", "z"), 8), (("rgb", "x", "y", "z"), 4), (("z", "normal_x", "y", "x"), 4)],
)
def test_a_pcd_of_any_make_is_the_same_points(tmp_path, form, fields, size):
    (tmp_path / "p.pcd").write_bytes(pcd(form, fields, size=size))
    assert np.allclose(load_inputs({"points": "p.pcd"}, tmp_path)["points"], POINTS, atol=1e-6)


@pytest.mark.parametrize("form", ["ascii", "binary", "binary_compressed"])
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: data[:-9] if b"ascii" not in data else data[:-200], "cannot be read"),
        (lambda data: data.replace(b"POINTS 60", b"POINTS 99999999"), "cannot be read"),
        (lambda data: data.replace(b"FIELDS x", b"FIELDS a"), "cannot be read"),
        (lambda data: data.split(b"DATA")[0], "no DATA line"),
        (lambda data: data.replace(b"TYPE F", b"TYPE Q"), "cannot be read"),
    ],
)
def test_a_wrong_pcd_is_refused(tmp_path, form, change, words):
    (tmp_path / "p.pcd").write_bytes(change(pcd(form)))
    with pytest.raises(InputError, match=words) as caught:
        load_inputs({"points": "p.pcd"}, tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["obj", "ply", "glb", "stl"])
def test_points_of_a_mesh_with_few_vertices_lie_on_its_faces(tmp_path, kind):
    write_mesh(tmp_path / f"m.{kind}", *box(), {})
    loaded = load_inputs({"points": f"m.{kind}"}, tmp_path)
    assert (
        len(loaded["points"]) == 2048
        and np.allclose(np.abs(loaded["points"]).max(axis=1), 0.5, atol=1e-6)
        and "were added" in loaded["notes"][0]
    )


def test_points_of_an_obj_without_faces(tmp_path):
    (tmp_path / "p.obj").write_text("".join(f"v {line}\n" for line in LINES))
    assert np.allclose(load_inputs({"points": "p.obj"}, tmp_path)["points"], POINTS)


@pytest.mark.parametrize("count", [200, 3000])
@pytest.mark.parametrize("strays", [1, 2])
@pytest.mark.parametrize("how_far", [5, 1000, 1e9])
def test_far_points_do_not_shrink_the_shape(count, strays, how_far):
    cloud = sphere(1, (3, 4, 5), rings=64)[0][:: 8064 // count]
    away = np.array([[how_far, 0, 0], [0, -how_far, how_far]])[:strays]
    alone, beside = prepare({"points": cloud}), prepare({"points": np.concatenate([cloud, cloud[:1] + away])})
    assert (
        beside.frame.scale == alone.frame.scale
        and f"{strays} of {len(cloud) + strays} points" in beside.note
        and alone.note == ""
    )


@pytest.mark.parametrize(
    "cloud",
    [
        np.concatenate([sphere(1)[0], np.linspace((1, 0, 0), (9, 0, 0), 40)]),
        np.concatenate([sphere(1)[0], sphere(1, (9, 0, 0))[0]]),
        np.random.default_rng(1).normal(size=(3000, 3)),
        np.random.default_rng(1).standard_cauchy((17, 3)) * 0 + np.arange(17)[:, None] ** 2,
    ],
)
def test_a_pole_another_part_or_a_sparse_cloud_is_no_stray(cloud):
    prepared = prepare({"points": cloud})
    assert prepared.note == "" and np.allclose(prepared.frame.center, (cloud.min(0) + cloud.max(0)) / 2)


@pytest.mark.parametrize("place", [(0, 0, 0), (500000, 5000000, 120), (-1e7, 1e7, 0)])
@pytest.mark.parametrize("size", [1e-7, 1, 1000])
def test_clouds_of_any_size_and_place(tmp_path, place, size):
    if size < 1 and place[0]:
        pytest.skip("float64 has no digits left for it")
    (tmp_path / "p.xyz").write_text("".join("{:.17g} {:.17g} {:.17g}\n".format(*p) for p in POINTS * size + place))
    prepared = prepare(load_inputs({"points": "p.xyz"}, tmp_path))
    back = prepared.frame.from_model(prepared.tensors[0][0].numpy())
    assert np.allclose(
        [back.min(0), back.max(0)],
        [(POINTS * size + place).min(0), (POINTS * size + place).max(0)],
        rtol=0,
        atol=size * 1e-4,
    )
