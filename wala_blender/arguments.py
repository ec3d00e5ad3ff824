"""Argument types for argparse: numbers within a range."""

from argparse import ArgumentTypeError
from collections.abc import Callable


def number(convert: type, low: float, high: float, words: str) -> Callable[[str], float]:
    """A reader for argparse: text → convert(text) if that is low … high, else "… is not {words}"."""

    def parse(text: str):
        try:
            value = convert(text)
        except ValueError:
            value = None
        if value is None or not low <= value <= high:
            raise ArgumentTypeError(f"{text!r} is not {words}")
        return value

    return parse
