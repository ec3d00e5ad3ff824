"""Decoding of text in mesh and point files."""

import codecs
from pathlib import Path

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


def decode_text(data: bytes) -> str:
    """Text with "\\n" as its only line end, without a byte-order mark; bytes that are not UTF-8 (in names, in comments)
    become U+FFFD."""
    encoding = "utf-8"
    for mark, name in _MARKS:
        if data.startswith(mark):
            data, encoding = data[len(mark) :], name
    return data.decode(encoding, "replace").replace("\r\n", "\n").replace("\r", "\n")


def read_text(path: Path) -> str:
    """``decode_text`` of a file. Raises OSError."""
    return decode_text(path.read_bytes())
