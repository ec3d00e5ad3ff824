"""Types and ranges of settings."""

from dataclasses import dataclass

from ..errors import CheckpointError


@dataclass(frozen=True)
class Whole:
    """A whole number from ``low`` to ``high``."""

    low: int
    high: int

    def holds(self, value: object) -> bool:
        return type(value) is int and self.low <= value <= self.high

    def __str__(self) -> str:
        return f"a whole number from {self.low} to {self.high}"


@dataclass(frozen=True)
class Real:
    """A finite number from ``low`` to ``high``."""

    low: float
    high: float

    def holds(self, value: object) -> bool:
        return type(value) in (int, float) and self.low <= value <= self.high

    def __str__(self) -> str:
        return f"a number from {self.low} to {self.high}"


@dataclass(frozen=True)
class Flag:
    """true, false, or 0 and 1 as some files have them."""

    def holds(self, value: object) -> bool:
        return type(value) in (bool, int) and value in (0, 1)

    def __str__(self) -> str:
        return "true or false"


@dataclass(frozen=True)
class ListOf:
    """A list of ``low`` to ``high`` items of a kind; no number twice where they are ``distinct``."""

    item: Whole
    low: int
    high: int
    distinct: bool = False

    def holds(self, value: object) -> bool:
        return (
            type(value) in (list, tuple)
            and self.low <= len(value) <= self.high
            and all(map(self.item.holds, value))
            and not (self.distinct and len(set(value)) < len(value))
        )

    def __str__(self) -> str:
        return f"{self.low} to {self.high}{' different' * self.distinct} items, each {self.item}"


@dataclass(frozen=True)
class Word:
    """A word; which ones there are is the table's that reads it."""

    def holds(self, value: object) -> bool:
        return type(value) is str and len(value) <= 100

    def __str__(self) -> str:
        return "a word"


FLAG, WORD = Flag(), Word()
Range = Whole | Real | Flag | ListOf | Word


def check_range(name: str, value: object, expected: Range, file: str = "args.json") -> object:
    """The value of a setting. Raises CheckpointError for one of another type or out of range."""
    if not expected.holds(value):
        raise CheckpointError(
            f"{file}: {name} is {value!r:.200}, expected {expected}", "The model is of a kind not known here"
        )
    return value
