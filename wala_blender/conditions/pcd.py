"""PCD reader: the point clouds of the Point Cloud Library, ASCII, binary and compressed."""

import re
from pathlib import Path

import numpy as np

from ..errors import InputError

_KINDS = {
    ("F", 4): "<f4",
    ("F", 8): "<f8",
    **{("I", n): f"<i{n}" for n in (1, 2, 4, 8)},
    **{("U", n): f"<u{n}" for n in (1, 2, 4, 8)},
}
_AGAIN = "The file is damaged or incomplete: write it again"


def read_pcd(path: Path) -> np.ndarray:
    """Points (N, 3) float64; rows of NaN stay. Raises InputError."""
    try:
        with np.errstate(all="ignore"):  # the caller reports values that are not finite
            return _read(path.read_bytes())
    except (ValueError, KeyError, IndexError, OSError, MemoryError) as error:
        raise InputError(f"{path.name} cannot be read ({error or type(error).__name__})", _AGAIN) from error


def _read(data: bytes) -> np.ndarray:
    end = re.search(rb"^[ \t]*DATA[ \t]+(\w+)[ \t]*\r?\n?", data, re.MULTILINE)
    if not end:
        raise ValueError("its header has no DATA line")
    lines = (line.split() for line in data[: end.start()].decode("utf-8-sig", "replace").splitlines())
    header = {words[0].upper(): words[1:] for words in lines if words and not words[0].startswith("#")}
    names = [name.lower() for name in header.get("FIELDS") or header["COLUMNS"]]
    counts = [int(word) for word in header.get("COUNT", ["1"] * len(names))]
    kinds = [_KINDS[kind.upper(), int(size)] for kind, size in zip(header["TYPE"], header["SIZE"])]
    points = int(header["POINTS"][0]) if "POINTS" in header else int(header["WIDTH"][0]) * int(header["HEIGHT"][0])
    if (
        not len(names) == len(counts) == len(kinds)
        or not {"x", "y", "z"} <= set(names)
        or points < 0
        or min(counts) < 1
    ):
        raise ValueError(
            f"its fields are {' '.join(names)[:80]}, expected x, y and z with a type, a size and a count each"
        )
    body, form = data[end.end() :], end[1].lower()
    if form == b"ascii":
        return _ascii(body, points, names, counts)
    row = np.dtype([(str(i), kind, (count,)) for i, (kind, count) in enumerate(zip(kinds, counts))])
    if form == b"binary":
        table = np.frombuffer(body, row, points)
        return np.stack([table[str(names.index(axis))][:, 0] for axis in "xyz"], 1).astype(np.float64)
    if form != b"binary_compressed":
        raise ValueError(f"its data is {form.decode()}, expected ascii, binary or binary_compressed")
    packed, size = (int.from_bytes(body[at : at + 4], "little") for at in (0, 4))
    if size != points * row.itemsize or packed > len(body) - 8:
        raise ValueError(
            f"{size} bytes are promised for {points} points of {row.itemsize}, packed in {packed} of {len(body) - 8}"
        )
    plain = unpack_lzf(body[8 : 8 + packed], size)
    starts = np.cumsum([0] + [np.dtype(kind).itemsize * count * points for kind, count in zip(kinds, counts)])
    places = {axis: names.index(axis) for axis in "xyz"}
    # Field by field, not point by point.
    columns = [np.frombuffer(plain, kinds[i], points * counts[i], starts[i])[:: counts[i]] for i in places.values()]
    return np.stack(columns, 1).astype(np.float64)


def _ascii(body: bytes, points: int, names: list[str], counts: list[int]) -> np.ndarray:
    starts = np.cumsum([0, *counts])
    rows = [words for line in body.decode("utf-8", "replace").splitlines() if (words := line.split())]
    if len(rows) < points:
        raise ValueError(f"{points} points are promised, and there are {len(rows)}")
    columns = [int(starts[names.index(axis)]) for axis in "xyz"]
    return np.array([[float(row[column]) for column in columns] for row in rows[:points]], dtype=np.float64).reshape(
        -1, 3
    )


def unpack_lzf(packed: bytes, size: int) -> bytes:
    """LZF (Marc Lehmann's liblzf) → ``size`` bytes. Raises ValueError, IndexError where the packed bytes are
    damaged."""
    plain = bytearray()
    at = 0
    while at < len(packed):
        control = packed[at]
        at += 1
        if control < 32:
            plain += packed[at : at + control + 1]
            at += control + 1
        else:
            length = control >> 5
            if length == 7:
                length += packed[at]
                at += 1
            back = ((control & 31) << 8) + packed[at] + 1
            at += 1
            start, length = len(plain) - back, length + 2
            if start < 0:
                raise ValueError("its packed data points before its beginning")
            piece = plain[start : start + length]
            plain += (piece * (length // len(piece) + 1))[:length]
        if len(plain) > size:
            break
    if len(plain) != size:
        raise ValueError(f"it unpacks to {len(plain)} bytes, expected {size}")
    return bytes(plain)
