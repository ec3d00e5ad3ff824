"""Mesh files as other programs write them, odd but right, and damaged ones: read as the same box, or refused on one
line that names the fault."""

import base64
import json
import random
import struct

import numpy as np
import pytest
from shapes import box, open_edges, signed_volume

from wala_blender.errors import InputError
from wala_blender.geometry.meshes import read_mesh, write_mesh

pytestmark = pytest.mark.faults

CORNERS = np.array(
    [(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1)], dtype=float
)
QUADS = [(0, 3, 2, 1), (4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7)]
MIXED = [*QUADS[:4], *[t for a, b, c, d in QUADS[4:] for t in ((a, b, c), (a, c, d))]]
TRIANGLES = np.array([t for a, b, c, d in QUADS for t in ((a, b, c), (a, c, d))])


def is_the_box(path, tolerance=1e-6) -> None:
    vertices, faces = read_mesh(path)
    assert np.allclose([vertices[faces].min((0, 1)), vertices[faces].max((0, 1))], [[0] * 3, [1] * 3], atol=tolerance)
    assert signed_volume(vertices, faces) == pytest.approx(1, abs=1e-5) and len(faces) == 12


# OBJ

V = "".join(f"v {x:g} {y:g} {z:g}\n" for x, y, z in CORNERS)
F = "".join("f " + " ".join(str(i + 1) for i in quad) + "\n" for quad in QUADS)
SPLIT = (
    "".join(f"v {x:g} {y:g} {z:g}\n" for x, y, z in CORNERS[:4])
    + "f -4 -1 -2 -3\no top\n"
    + "".join(f"v {x:g} {y:g} {z:g}\n" for x, y, z in CORNERS[4:])
    + "f -4 -3 -2 -1\nf 1 2 -3 -4\nf 2 3 -2 -3\nf 3 4 -1 -2\nf 4 1 -4 -1\n"
)
OBJ = {
    "tabs": (V + F).replace(" ", "\t"),
    "spaces": (V + F).replace(" ", "   "),
    "indent": "  " + (V + F).replace("\n", "\n  "),
    "cr": (V + F).replace("\n", "\r"),
    "crlf": (V + F).replace("\n", "\r\n"),
    "mark": "\ufeff" + V + F,
    "comments": (V + F).replace("\n", " # side\n"),
    "tight comments": (V + F).replace("\n", "#side\n"),
    "relative, in blocks": SPLIT,
    "absolute, relative": V + F.replace("f 1 4 3 2", "f -8 -5 -6 -7"),
    "with normals": V + "vn 0 0 1\n" + "".join("f " + " ".join(f"{i + 1}//1" for i in quad) + "\n" for quad in QUADS),
    "with all": V
    + "vt 0 0\nvn 0 0 1\n"
    + "".join("f " + " ".join(f"{i + 1}/1/1" for i in quad) + "\n" for quad in QUADS),
    "trailing slash": V + "".join("f " + " ".join(f"{i + 1}/" for i in quad) + "\n" for quad in QUADS),
    "colours": V.replace("\n", " 0.5 0.5 0.5\n") + F,
    "weights": V.replace("\n", " 1.0\n") + F,
    "continued": V + F.replace(" 2\n", " \\\n2\n"),
    "faces first": F + V,
    "lines beside": V + F + "l 1 2\np 1\n",
    "materials": "mtllib gone.mtl\n" + V + "usemtl gone\ns 1\ng a b\n" + F,
    "latin": "# Stühle\n" + V + F,
    "no last line end": (V + F).rstrip(),
    "exponents": V.replace("1", "1.0e+00") + F,
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("name", OBJ)
def test_an_odd_obj_is_the_same_box(tmp_path, name, encoding):
    text = OBJ[name].removeprefix("\ufeff") if encoding == "utf-16" else OBJ[name]
    (tmp_path / "a.obj").write_bytes(text.encode("latin-1" if name == "latin" and encoding == "utf-8" else encoding))
    is_the_box(tmp_path / "a.obj")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (V + F.replace("f 1 4 3 2", "f 0 3 2 1"), "line 9.*index 0"),
        (V + "f 1 2 9\n", "names vertex 8 of 8"),
        (V + "f 1 2 -9\n", "line 9.*-9"),
        (V.replace("1", "1,0") + F, "line 2.*1,0"),
        (V + "f 1 2 x\n", "line 9"),
        ("v 1 2\n" + F, "line 1"),
        (V + "f 1.5 2 3\n", "line 9"),
        (V.replace("v 1 0 0", "v nan 0 0") + F, "not finite"),
        (V.replace("v 1 0 0", "v 1e999 0 0") + F, "not finite"),
        (V.replace("v 1 0 0", "v 1e200 0 0") + F, "not finite numbers below"),
        (V, "has no faces"),
        (V + "f 1 2\n", "has no faces"),
    ],
)
def test_a_wrong_obj_is_refused_by_its_line(tmp_path, text, words):
    (tmp_path / "a.obj").write_text(text)
    with pytest.raises(InputError, match=words) as caught:
        read_mesh(tmp_path / "a.obj")
    assert "\n" not in str(caught.value) and "a.obj" in str(caught.value)


# PLY

ORDERS = {"binary_little_endian": "<", "binary_big_endian": ">"}


def ply(
    polygons=MIXED,
    form="binary_little_endian",
    kind="float",
    length="uchar",
    index="int",
    name="vertex_indices",
    comment=b"",
    extra=False,
) -> bytes:
    codes = {
        "float": "f",
        "double": "d",
        "uchar": "B",
        "ushort": "H",
        "int": "i",
        "uint": "I",
        "short": "h",
        "char": "b",
    }
    header = [
        b"ply",
        b"format %s 1.0" % form.encode(),
        *([b"comment " + comment] if comment else []),
        b"element vertex 8",
        *(f"property {kind} {axis}".encode() for axis in "xyz"),
        *([b"property list uchar float weights"] if extra else []),
        b"element face %d" % len(polygons),
        *([b"property uchar flags"] if extra else []),
        f"property list {length} {index} {name}".encode(),
        *([b"property list uchar float texcoord"] if extra else []),
        b"end_header",
        b"",
    ]
    if form == "ascii":
        rows = [" ".join(f"{c:g}" for c in v) + (" 2 0.5 0.5" if extra else "") for v in CORNERS]
        rows += [("7 " if extra else "") + " ".join(map(str, (len(p), *p))) + (" 0" if extra else "") for p in polygons]
        return b"\n".join(header) + "\n".join(rows).encode() + b"\n"
    order = ORDERS[form]
    body = b"".join(
        struct.pack(f"{order}3{codes[kind]}", *v) + (struct.pack(f"{order}Bff", 2, 0.5, 0.5) if extra else b"")
        for v in CORNERS
    )
    for i, p in enumerate(polygons):
        body += struct.pack("B", 7) if extra else b""
        body += struct.pack(f"{order}{codes[length]}{len(p)}{codes[index]}", len(p), *p)
        body += struct.pack(f"{order}B{i}f", i, *[0.5] * i) if extra else b""
    return b"\n".join(header) + body


@pytest.mark.parametrize("form", ["ascii", *ORDERS])
@pytest.mark.parametrize(
    "case",
    [
        {},
        {"polygons": QUADS},
        {"polygons": TRIANGLES.tolist()},
        {"polygons": MIXED[::-1]},
        {"kind": "double"},
        {"length": "int"},
        {"index": "uint"},
        {"index": "short"},
        {"index": "uchar"},
        {"name": "vertex_index"},
        {"extra": True},
        {"comment": "Stühle".encode()},
        {"comment": "Käse".encode("latin-1")},
    ],
    ids=str,
)
def test_a_ply_of_any_make_is_the_same_box(tmp_path, form, case):
    (tmp_path / "a.ply").write_bytes(ply(form=form, **case))
    is_the_box(tmp_path / "a.ply")


@pytest.mark.parametrize("form", ["ascii", *ORDERS])
@pytest.mark.parametrize("after", [b"\n", b"\0", b"\r\n\r\n", b"more than one"])
def test_what_follows_the_end_of_a_ply_is_ignored(tmp_path, form, after):
    (tmp_path / "a.ply").write_bytes(ply(form=form) + (after if form != "ascii" or after.isspace() else b"\n" + after))
    is_the_box(tmp_path / "a.ply")


@pytest.mark.parametrize("ending", [b"\r\n", b"\r"])
def test_line_ends_of_a_ply(tmp_path, ending):
    header, body = ply().split(b"end_header\n")
    (tmp_path / "a.ply").write_bytes(header.replace(b"\n", ending) + b"end_header" + ending + body)
    is_the_box(tmp_path / "a.ply")


@pytest.mark.parametrize(
    "strips", [[[0, 3, 1, 2], [4, 5, 7, 6], [0, 1, 4, 5], [1, 2, 5, 6], [2, 3, 6, 7], [3, 0, 7, 4]]]
)
@pytest.mark.parametrize("ended", [True, False])
def test_triangle_strips_of_a_ply(tmp_path, strips, ended):
    indices = [i for strip in strips for i in (*strip, -1)][: None if ended else -1]
    text = (
        ply([], "ascii")
        .decode()
        .replace(
            "element face 0\nproperty list uchar int vertex_indices",
            "element tristrips 1\nproperty list int int vertex_indices",
        )
    )
    (tmp_path / "a.ply").write_text(text + " ".join(map(str, [len(indices), *indices])) + "\n")
    is_the_box(tmp_path / "a.ply")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: data[:-3], "promised|ends within"),
        (lambda data: data.replace(b"element vertex 8", b"element vertex 80000000000"), "promised"),
        (lambda data: data.replace(b"element face 8", b"element face 800"), "ends within|promised"),
        (lambda data: data.replace(b"property float z", b"property float q"), "no z"),
        (lambda data: data.replace(b"float x", b"string x"), "string"),
        (lambda data: data.replace(b"vertex_indices", b"corners"), "no vertex_indices"),
        (lambda data: data.replace(b"end_header", b"the_end"), "no end|line"),
        (lambda data: data.replace(b"little", b"middle"), "line 'format"),
        (lambda data: data.replace(b"format binary_little_endian 1.0\n", b""), "no format"),
        (lambda data: b"plie" + data[3:], "no PLY header"),
        (lambda data: data[:-4] + struct.pack("<i", 99), "names vertex 99 of 8"),
        (lambda data: data[:-4] + struct.pack("<i", -1), "names vertex -1 of 8"),
    ],
)
def test_a_wrong_ply_is_refused(tmp_path, change, words):
    (tmp_path / "a.ply").write_bytes(change(ply()))
    with pytest.raises(InputError, match=words) as caught:
        read_mesh(tmp_path / "a.ply")
    assert "\n" not in str(caught.value)


# STL

FACETS = [
    "facet normal 0 0 0\n  outer loop\n"
    + "".join("    vertex {:g} {:g} {:g}\n".format(*CORNERS[i]) for i in t)
    + "  endloop\nendfacet\n"
    for t in TRIANGLES
]
TEXT = "solid box\n" + "".join(FACETS) + "endsolid box\n"
BINARY = (
    b"a header".ljust(80, b" ")
    + struct.pack("<I", 12)
    + b"".join(struct.pack("<12fH", 0, 0, 0, *CORNERS[t].ravel(), 0) for t in TRIANGLES)
)
STL = {
    "text": TEXT,
    "end solid": TEXT.replace("endsolid", "end solid"),
    "no end": TEXT.replace("endsolid box\n", ""),
    "capitals": TEXT.upper(),
    "tabs": TEXT.replace("  ", "\t"),
    "crlf": TEXT.replace("\n", "\r\n"),
    "cr": TEXT.replace("\n", "\r"),
    "one line": TEXT.replace("solid box\n", "solid\n", 1).replace("facet", " facet"),
    "no name": TEXT.replace(" box", ""),
    "a name of words": TEXT.replace("solid box", "solid facet vertex 1 2 3"),
    "mark": "\ufeff" + TEXT,
    "blank start": "\n \n" + TEXT,
    "two solids": "solid a\n" + "".join(FACETS[:6]) + "endsolid a\nsolid b\n" + "".join(FACETS[6:]) + "endsolid b\n",
    "binary": BINARY,
    "binary called solid": b"solid box" + BINARY[9:],
    "three bytes more": BINARY + b"\0\0\0",
    "much more": BINARY + b"more" * 100,
    "name that is not ASCII": TEXT.replace("box", "Stühle"),
    "attributes": BINARY[:-2] + b"\xff\xff",
}


@pytest.mark.parametrize("name", STL)
def test_an_odd_stl_is_the_same_box(tmp_path, name):
    content = STL[name]
    (tmp_path / "a.stl").write_bytes(content if isinstance(content, bytes) else content.encode())
    is_the_box(tmp_path / "a.stl")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (BINARY[:-1], "12 triangles are promised, and there are 11"),
        (BINARY[:84], "12 triangles are promised"),
        (BINARY[:60], "60 bytes"),
        (TEXT[:-60].encode(), "ends within a triangle|corners"),
        (TEXT.replace("vertex 1 0 0", "vertex 1,0 0 0", 1).encode(), "1,0"),
        (TEXT.replace("    vertex 1 0 0\n", "", 1).encode(), "2 corners"),
        (b"solid x\nendsolid x\n", "no faces"),
        (b"\0" * 84, "no faces"),
        (TEXT.replace("vertex 1 0 0", "vertex nan 0 0", 1).encode(), "not finite"),
    ],
)
def test_a_wrong_stl_is_refused(tmp_path, content, words):
    (tmp_path / "a.stl").write_bytes(content)
    with pytest.raises(InputError, match=words):
        read_mesh(tmp_path / "a.stl")


# OFF

ROWS = "".join("{:g} {:g} {:g}\n".format(*v) for v in CORNERS)
SIDES = "".join(f"4 {' '.join(map(str, quad))}\n" for quad in QUADS)
OFF = {
    "plain": "OFF\n8 6 12\n" + ROWS + SIDES,
    "counts beside": "OFF 8 6 12\n" + ROWS + SIDES,
    "one line": ("OFF 8 6 12 " + ROWS + SIDES).replace("\n", " "),
    "no word": "8 6 12\n" + ROWS + SIDES,
    "small letters": "off\n8 6 12\n" + ROWS + SIDES,
    "no edges": "OFF\n8 6\n" + ROWS + SIDES,
    "comments": "# made\nOFF # here\n8 6 12 # counts\n\n" + ROWS.replace("\n", " # v\n") + "\n" + SIDES,
    "crlf": ("OFF\n8 6 12\n" + ROWS + SIDES).replace("\n", "\r\n"),
    "face colours": "OFF\n8 6 12\n" + ROWS + SIDES.replace("\n", " 255 0 0\n"),
    "colours": "COFF\n8 6 12\n" + ROWS.replace("\n", " 1 1 1 1\n") + SIDES,
    "normals": "NOFF\n8 6 12\n" + ROWS.replace("\n", " 0 0 1\n") + SIDES,
    "mark": "\ufeffOFF\n8 6 12\n" + ROWS + SIDES,
    "normals on one line": ("NOFF 8 6 12 " + ROWS.replace("\n", " 0 0 1 ") + SIDES).replace("\n", " "),
    "more after it": "OFF\n8 6 12\n" + ROWS + SIDES + "more\n",
}


@pytest.mark.parametrize("name", OFF)
def test_an_odd_off_is_the_same_box(tmp_path, name):
    (tmp_path / "a.off").write_text(OFF[name], encoding="utf-8")
    is_the_box(tmp_path / "a.off")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("OFF\n8 9 12\n" + ROWS + SIDES, "promised"),
        ("OFF\n9 6 12\n" + ROWS + SIDES, "promised|corners|read"),
        ("OFF\n", "missing"),
        ("4OFF\n8 6 0\n" + ROWS, "4OFF"),
        ("OFF BINARY\n8 6 12\n", "BINARY"),
        ("OFF\n8 6 12\n" + ROWS + SIDES.replace("4 0 3 2 1", "4 0 3 2 8"), "names vertex 8 of 8"),
        ("OFF\n-1 -1 0\n", "promised"),
    ],
)
def test_a_wrong_off_is_refused(tmp_path, text, words):
    (tmp_path / "a.off").write_text(text)
    with pytest.raises(InputError, match=words):
        read_mesh(tmp_path / "a.off")


# glTF


class Gltf:
    """A document with one buffer, put together accessor by accessor."""

    def __init__(self):
        self.data, self.document = b"", {"asset": {"version": "2.0"}, "bufferViews": [], "accessors": []}

    def view(self, data: bytes, **more) -> int:
        self.document["bufferViews"].append({"buffer": 0, "byteOffset": len(self.data), "byteLength": len(data)} | more)
        self.data += data + b"\0" * (-len(data) % 4)
        return len(self.document["bufferViews"]) - 1

    def accessor(self, array: np.ndarray, **more) -> int:
        code = {"f4": 5126, "u4": 5125, "u2": 5123, "u1": 5121, "i2": 5122, "i1": 5120}[array.dtype.str[1:]]
        kind = {1: "SCALAR", 3: "VEC3", 4: "VEC4"}[array.shape[1] if array.ndim == 2 else 1]
        own = {} if "sparse" in more else {"bufferView": self.view(array.tobytes())}
        self.document["accessors"].append(own | {"componentType": code, "count": len(array), "type": kind} | more)
        return len(self.document["accessors"]) - 1

    def scene(self, primitives: list[dict], nodes: list[dict] | None = None, **more) -> "Gltf":
        self.document |= {
            "meshes": [{"primitives": primitives}],
            "nodes": nodes or [{"mesh": 0}],
            "scenes": [{"nodes": [0]}],
            "scene": 0,
        } | more
        return self

    def save(self, path, uri: str | None = None):
        self.document["buffers"] = [{"byteLength": len(self.data)} | ({"uri": uri} if uri else {})]
        text = json.dumps(self.document).encode()
        if path.suffix == ".gltf":
            path.write_bytes(text)
            return path
        text += b" " * (-len(text) % 4)
        body = (
            struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(self.data), b"BIN\0") + self.data
        )
        path.write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(body)) + body)
        return path


def corners_f4() -> np.ndarray:
    return CORNERS.astype("<f4")


def plain() -> Gltf:
    file = Gltf()
    return file.scene(
        [
            {
                "attributes": {"POSITION": file.accessor(corners_f4())},
                "indices": file.accessor(TRIANGLES.ravel().astype("<u2")),
            }
        ]
    )


def without_indices(mode: int | None = None) -> Gltf:
    file = Gltf()
    return file.scene(
        [
            {"attributes": {"POSITION": file.accessor(corners_f4()[TRIANGLES.ravel()])}}
            | ({} if mode is None else {"mode": mode})
        ]
    )


def of_parts(mode: int, rings: list[tuple]) -> Gltf:
    file = Gltf()
    position = file.accessor(corners_f4())
    return file.scene(
        [
            {"attributes": {"POSITION": position}, "indices": file.accessor(np.array(ring, "<u2")), "mode": mode}
            for ring in rings
        ]
    )


def sparse(base: bool) -> Gltf:
    file = plain()
    wrong = corners_f4() if base else np.zeros((8, 3), "<f4")
    changed = np.array([1, 6], "<u2") if base else np.arange(8, dtype="<u2")
    wrong[changed] = 0 if not base else 50
    override = {
        "count": len(changed),
        "indices": {"bufferView": file.view(changed.tobytes()), "componentType": 5123},
        "values": {"bufferView": file.view(corners_f4()[changed].tobytes())},
    }
    index = file.accessor(wrong, sparse=override)
    if base:
        file.document["accessors"][index]["bufferView"] = file.view(wrong.tobytes())
    file.document["meshes"][0]["primitives"][0]["attributes"]["POSITION"] = index
    return file


def quantized(kind: str, normalized: bool) -> Gltf:
    file = plain()
    most = np.iinfo(kind).max if normalized else 1
    places = (CORNERS * most).astype(kind)
    padded = np.zeros((8, 4 // places.itemsize * -(-3 * places.itemsize // 4)), kind)
    padded[:, :3] = places
    code = {"i1": 5120, "u1": 5121, "i2": 5122, "u2": 5123}[np.dtype(kind).str[1:]]
    view = file.view(padded.tobytes(), byteStride=padded.itemsize * padded.shape[1])
    file.document["accessors"].append(
        {"bufferView": view, "componentType": code, "count": 8, "type": "VEC3", "normalized": normalized}
    )
    file.document["meshes"][0]["primitives"][0]["attributes"]["POSITION"] = len(file.document["accessors"]) - 1
    file.document["extensionsRequired"] = file.document["extensionsUsed"] = ["KHR_mesh_quantization"]
    return file


def interleaved() -> Gltf:
    file = plain()
    rows = np.hstack([np.full((8, 3), 9), CORNERS]).astype("<f4")
    file.document["accessors"][0] = {
        "bufferView": file.view(rows.tobytes(), byteStride=24),
        "byteOffset": 12,
        "componentType": 5126,
        "count": 8,
        "type": "VEC3",
    }
    return file


def placed(**node) -> Gltf:
    """The box, half as large and elsewhere, and a node that puts it back."""
    file = plain()
    matrix = np.diag([0.5, 0.5, 0.5, 1])
    matrix[:3, 3] = 3, 4, 5
    back = np.linalg.inv(matrix)
    local = corners_f4() @ matrix[:3, :3].astype("<f4").T + matrix[:3, 3].astype("<f4")
    file.document["accessors"][0] = file.document["accessors"][file.accessor(local)]
    above = (
        {"matrix": back.T.ravel().tolist()}
        if node.get("as_matrix")
        else {"translation": back[:3, 3].tolist(), "scale": [2, 2, 2]}
    )
    file.document["nodes"] = [
        above | {"children": [1]},
        {"mesh": 0, "camera": 0} if node.get("camera") else {"mesh": 0},
    ]
    if node.get("camera"):
        file.document["cameras"] = [{"type": "perspective", "perspective": {"yfov": 1, "znear": 0.1, "aspectRatio": 1}}]
    return file


def mirrored() -> Gltf:
    file = plain()
    file.document["nodes"] = [{"mesh": 0, "scale": [-1, 1, 1], "translation": [1, 0, 0]}]
    return file


def instances(required: bool) -> Gltf:
    """Eight boxes of half the size make one."""
    file = plain()
    attributes = {
        "TRANSLATION": file.accessor((CORNERS / 2).astype("<f4")),
        "SCALE": file.accessor(np.full((8, 3), 0.5, "<f4")),
    }
    file.document["nodes"] = [{"mesh": 0, "extensions": {"EXT_mesh_gpu_instancing": {"attributes": attributes}}}]
    file.document["extensionsRequired" if required else "extensionsUsed"] = ["EXT_mesh_gpu_instancing"]
    return file


def changed(**document) -> Gltf:
    file = plain()
    file.document |= document
    return file


STRIPS = [(a, b, d, c) for a, b, c, d in QUADS]
GLTF = {
    "plain": plain,
    "no indices": without_indices,
    "mode said": lambda: without_indices(4),
    "strips": lambda: of_parts(5, STRIPS),
    "fans": lambda: of_parts(6, QUADS),
    "sparse over data": lambda: sparse(True),
    "sparse over nothing": lambda: sparse(False),
    "interleaved": interleaved,
    "mirrored": mirrored,
    **{
        f"quantized {kind}{' normalized' * normalized}": (
            lambda kind=kind, normalized=normalized: quantized(kind, normalized)
        )
        for kind in ("<i1", "<u1", "<i2", "<u2")
        for normalized in (True, False)
    },
    "nodes": placed,
    "matrix": lambda: placed(as_matrix=True),
    "camera in its node": lambda: placed(camera=True),
    "another scene": lambda: changed(
        scenes=[{"nodes": [1]}, {"nodes": [0]}], scene=1, nodes=[{"mesh": 0}, {"mesh": 0, "translation": [9, 9, 9]}]
    ),
    "no scenes": lambda: changed(scenes=[]),
    "no scene named": lambda: changed(scene=0),
    "loose nodes": lambda: changed(nodes=[{"mesh": 0}, {"mesh": 0, "scale": [9, 9, 9]}]),
    "materials needed": lambda: changed(extensionsRequired=["KHR_materials_unlit", "KHR_texture_transform"]),
    "a hidden node": lambda: changed(
        nodes=[
            {"mesh": 0, "children": [1]},
            {"mesh": 0, "scale": [9, 9, 9], "extensions": {"KHR_node_visibility": {"visible": False}}},
        ]
    ),
}


@pytest.mark.parametrize("name", GLTF)
def test_a_gltf_of_any_make_is_the_same_box(tmp_path, name):
    is_the_box(GLTF[name]().save(tmp_path / "a.glb"))


@pytest.mark.parametrize("required", [True, False])
def test_instances_of_a_gltf_stand_in_their_places(tmp_path, required):
    vertices, faces = read_mesh(instances(required).save(tmp_path / "a.glb"))
    assert (
        len(faces) == 96
        and signed_volume(vertices, faces) == pytest.approx(1)
        and np.allclose([vertices.min(0), vertices.max(0)], [[0] * 3, [1] * 3])
    )


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("my%20mesh.bin", "my mesh.bin"),
        ("my mesh.bin", "my mesh.bin"),
        ("St%C3%BChle.bin", "Stühle.bin"),
        ("Stühle.bin", "Stühle.bin"),
        ("100%25.bin", "100%.bin"),
        ("100%.bin", "100%.bin"),
        ("a%20b.bin", "a%20b.bin"),
        ("sub/mesh.bin", "sub/mesh.bin"),
        ("sub%2Fmesh.bin", "sub/mesh.bin"),
        ("sub\\mesh.bin", "sub/mesh.bin"),
        ("./mesh.bin", "mesh.bin"),
        ("a+b%23c.bin", "a+b#c.bin"),
        ("%E3%81%84%E3%81%99.bin", "いす.bin"),
    ],
)
def test_names_of_a_buffer(tmp_path, uri, name):
    file = plain()
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(file.data)
    is_the_box(file.save(tmp_path / "a.gltf", uri))


@pytest.mark.parametrize(
    "head", ["data:application/octet-stream;base64,", "data:application/gltf-buffer;base64,", "data:;base64,"]
)
def test_data_within_a_gltf(tmp_path, head):
    file = plain()
    is_the_box(file.save(tmp_path / "a.gltf", head + base64.b64encode(file.data).decode()))


def draco(file: Gltf) -> Gltf:
    DracoPy = pytest.importorskip("DracoPy")
    packed = DracoPy.encode(CORNERS.astype(np.float32), TRIANGLES.astype(np.uint32), quantization_bits=14)
    [position] = [one["unique_id"] for one in DracoPy.decode(packed).attributes if one["attribute_type"] == 0]
    file = Gltf()
    view = file.view(packed)
    file.document["accessors"] = [
        {"componentType": 5126, "count": 8, "type": "VEC3"},
        {"componentType": 5123, "count": 36, "type": "SCALAR"},
    ]
    extension = {"KHR_draco_mesh_compression": {"bufferView": view, "attributes": {"POSITION": position}}}
    return file.scene(
        [{"attributes": {"POSITION": 0}, "indices": 1, "extensions": extension}], extensionsRequired=list(extension)
    )


def test_draco(tmp_path):
    is_the_box(draco(plain()).save(tmp_path / "a.glb"), 1e-4)


def test_draco_without_its_reader_is_named(tmp_path, monkeypatch):
    path = draco(plain()).save(tmp_path / "a.glb")
    monkeypatch.setitem(__import__("sys").modules, "DracoPy", None)
    with pytest.raises(InputError, match="compressed with Draco"):
        read_mesh(path)


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (lambda: changed(extensionsRequired=["EXT_meshopt_compression"]), "EXT_meshopt_compression, which is not read"),
        (lambda: changed(extensionsRequired=["KHR_gaussian_splatting"]), "KHR_gaussian_splatting"),
        (lambda: changed(asset={"version": "1.0"}), r"glTF 1.0, expected 2.0"),
        (lambda: changed(asset={}), "no version"),
        (lambda: changed(meshes=[]), "IndexError"),
        (lambda: changed(accessors=[]), "IndexError"),
        (lambda: changed(nodes=[{"mesh": 0, "children": [0]}]), "two places"),
        (lambda: changed(nodes=[{"children": [1, 2]}, {"mesh": 0, "children": [2]}, {"mesh": 0}]), "two places"),
        (lambda: changed(nodes=[{"mesh": 0, "children": [7]}]), "IndexError"),
        (lambda: changed(nodes=[{"mesh": 0, "scale": [float("nan"), 1, 1]}]), "not finite"),
        (lambda: changed(nodes=[{"mesh": -1}]), "-1 is no number"),
        (lambda: changed(nodes=[{}]), "no faces"),
        (lambda: changed(scenes=[{"nodes": []}]), "no faces"),
        (lambda: without_indices(1), "no faces"),
        (lambda: of_parts(4, [(0, 1, 8)]), "names vertex 8 of 8"),
    ],
)
def test_a_wrong_gltf_is_refused(tmp_path, file, words):
    path = file().save(tmp_path / "a.glb")
    with pytest.raises(InputError, match=words) as caught:
        read_mesh(path)
    assert "\n" not in str(caught.value) and "a.glb" in str(caught.value)


def test_buffers_packed_by_meshopt_are_refused_though_nothing_requires_it(tmp_path):
    file = plain()
    file.document["bufferViews"][0]["extensions"] = {"EXT_meshopt_compression": {"buffer": 0}}
    with pytest.raises(InputError, match="compressed with EXT_meshopt_compression"):
        read_mesh(file.save(tmp_path / "a.glb"))


@pytest.mark.parametrize(
    "change",
    [
        {"count": 10**12},
        {"count": 9},
        {"count": -1},
        {"byteOffset": 8},
        {"byteOffset": -4},
        {"type": "VEC9"},
        {"type": "VEC4"},
        {"componentType": 1},
        {"bufferView": 99},
        {"bufferView": True},
        {"bufferView": "0"},
    ],
)
def test_an_accessor_that_reaches_beyond_its_data(tmp_path, change):
    file = plain()
    file.document["accessors"][0] |= change
    with pytest.raises(InputError, match="cannot be read|names vertex"):
        read_mesh(file.save(tmp_path / "a.glb"))


def test_an_accessor_without_data_takes_no_memory(tmp_path):
    file = plain()
    file.document["accessors"][0] = {"componentType": 5126, "count": 10**10, "type": "VEC3"}
    with pytest.raises(InputError, match="without data has 10000000000"):
        read_mesh(file.save(tmp_path / "a.glb"))


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("missing.bin", r"needs 'missing.bin', and that file is missing"),
        ("my%20chair.bin", "needs 'my chair.bin'"),
        ("../a.bin", "not beside it"),
        ("%2e%2e/a.bin", "not beside it"),
        ("/etc/hostname", "not beside it"),
        ("https://example.org/a.bin", "nothing is downloaded"),
        ("data:;base64,@@@", "expected|base64"),
        ("a%00.bin", "not beside it"),
        (".", "missing"),
        ("short.bin", "has 10 bytes, expected 168"),
    ],
)
def test_a_buffer_that_is_not_there_is_named(tmp_path, uri, words):
    (tmp_path / "in").mkdir()
    (tmp_path / "a.bin").write_bytes(plain().data)
    (tmp_path / "in/short.bin").write_bytes(b"0123456789")
    path = plain().save(tmp_path / "in/a.gltf", uri)
    with pytest.raises(InputError, match=words) as caught:
        read_mesh(path)
    assert "\n" not in str(caught.value)


# Polygons


@pytest.mark.parametrize(
    ("outline", "area"),
    [
        ([(0, 0), (2, 0), (2, 1), (1, 1), (1, 3), (0, 3)], 4),
        ([(1, 1), (1, 3), (0, 3), (0, 0), (2, 0), (2, 1)], 4),
        ([(0, 0), (4, 0), (1, 1), (0, 4)], 4),
        ([(0, 0), (3, 0), (3, 3), (2, 3), (2, 1), (1, 1), (1, 3), (0, 3)], 7),
        ([(0, 0), (1, 0), (2, 0), (2, 2), (0, 2)], 4),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_polygon_that_is_not_convex_keeps_its_area_and_its_side(tmp_path, outline, area, turned, axis):
    outline = outline[::-1] if turned else outline
    places = np.insert(np.array(outline, float), axis, 0.5, axis=1)
    (tmp_path / "a.obj").write_text(
        "".join("v {:g} {:g} {:g}\n".format(*p) for p in places)
        + "f "
        + " ".join(str(i + 1) for i in range(len(places)))
    )
    vertices, faces = read_mesh(tmp_path / "a.obj")
    a, b, c = vertices[faces].transpose(1, 0, 2)
    normals = np.cross(b - a, c - a) / 2
    whole = np.cross(places, np.roll(places, -1, axis=0)).sum(axis=0) / 2
    side = np.eye(3)[axis] * (whole @ np.eye(3)[axis])
    assert np.linalg.norm(normals, axis=1).sum() == pytest.approx(area) and np.allclose(normals.sum(axis=0), side)
    assert (normals @ normals.sum(axis=0) >= 0).all()


# What is written


@pytest.mark.parametrize("kind", [".glb", ".obj", ".ply", ".stl"])
@pytest.mark.parametrize(
    ("size", "place"),
    [
        (2e-7, (0, 0, 0)),
        (1, (0, 0, 0)),
        (3, (500000, 5000000, 120)),
        (0.01, (-1e6, 2e6, 0)),
        (1e6, (0, 0, 0)),
        (1e-3, (1000, 0, 0)),
    ],
)
def test_small_and_far_shapes_come_back(tmp_path, kind, size, place):
    vertices, faces = box((0, 0, 0), (size, size * 0.7, size * 0.4))
    write_mesh(tmp_path / f"a{kind}", vertices + place, faces, {})
    back, triangles = read_mesh(tmp_path / f"a{kind}")
    assert np.allclose(back[triangles], (vertices + place)[faces], rtol=0, atol=size * 1e-3)
    assert open_edges(np.unique(back, axis=0, return_inverse=True)[1].reshape(-1)[triangles]) == 0


# Anything at all

SOURCES = {
    ".glb": lambda: None,
    ".obj": lambda: (V + F).encode(),
    ".ply": ply,
    ".stl": lambda: BINARY,
    ".off": lambda: OFF["plain"].encode(),
}


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("seed", range(6))
def test_scrambled_files_are_read_or_refused_on_one_line(tmp_path, kind, seed):
    """Forty times: bytes changed, left out, put in, or the end cut off."""
    path = tmp_path / f"a{kind}"
    data = SOURCES[kind]() or plain().save(path).read_bytes()
    chance = random.Random(seed)
    for _ in range(40):
        scrambled = bytearray(data)
        for _ in range(chance.randint(1, 5)):
            at = chance.randrange(len(scrambled))
            scrambled[at : at + chance.randint(0, 4)] = chance.randbytes(chance.randint(0, 4))
        path.write_bytes(scrambled[: chance.randint(1, len(scrambled))] if chance.random() < 0.2 else scrambled)
        try:
            vertices, faces = read_mesh(path)
        except InputError as error:
            assert "\n" not in str(error)
        else:
            assert np.isfinite(vertices).all() and faces.min() >= 0 and faces.max() < len(vertices)
