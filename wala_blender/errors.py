"""Named exceptions of the library.

Every message states what went wrong with the actual and the expected value; every hint states what to do about it.
"""

import re

LONGEST_WORD, LONGEST_MESSAGE = 240, 1000  # letters


class WalaError(Exception):
    """Base of all expected failures.

    Attributes: ``code`` (a stable machine word, class attribute), ``message`` (one line), ``hint`` (one line, may be
    "").
    """

    code = "failed"

    def __init__(self, message: str, hint: str = ""):
        message = shortened(message)
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}. {self.hint}" if self.hint else self.message


class InputError(WalaError):
    """Unusable input of the user: empty, non-finite, wrong shape, unreadable."""

    code = "bad-input"


class NoSurface(InputError):
    """A mesh without a triangle that has an area."""


class ModelError(WalaError):
    """A model is unknown, not installed, or cannot do what is asked."""

    code = "bad-model"


class CheckpointError(ModelError):
    """A checkpoint file is damaged, or its keys, shapes or settings do not fit."""

    code = "bad-checkpoint"


class OutputError(WalaError):
    """A result could not be written: disk full, no permission, unknown format."""

    code = "cannot-write"


class DownloadError(ModelError):
    """A file could not be fetched: no connection, not allowed, or it arrived damaged."""

    code = "download"


class MemoryShortageError(WalaError):
    """The device's or the computer's memory does not suffice."""

    code = "out-of-memory"


# How torch's allocators word it where they raise a plain RuntimeError.
_MEMORY_WORDS = ("out of memory", "can't allocate memory", "not enough memory", "cannot allocate memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether it is MemoryError, torch.OutOfMemoryError (known by name: torch need not be there) or a RuntimeError of
    torch's allocators."""
    if isinstance(error, MemoryError) or any(base.__name__ == "OutOfMemoryError" for base in type(error).__mro__):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _MEMORY_WORDS)


def shortened(message: str) -> str:
    """The message with the middle of very long words left out, such as a value that is repeated in it, and not longer
    than LONGEST_MESSAGE."""
    message = re.sub(
        rf"\S{{{LONGEST_WORD + 1},}}",
        lambda word: f"{word[0][:120]}… ({len(word[0])} letters) …{word[0][-40:]}",
        message,
    )
    return (
        message
        if len(message) <= LONGEST_MESSAGE
        else f"{message[: LONGEST_MESSAGE - 100]}… ({len(message)} letters) …{message[-40:]}"
    )


def shown(message: str) -> str:
    """The message for a terminal: in one line, shortened, what cannot be printed (or steers a terminal) as its
    escape."""
    line = " ".join(message.split())
    return shortened(
        "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in line)
    )


def first_line(error: BaseException, length: int = 200) -> str:
    """First line of another library's error, at most ``length`` characters; its type if it has no text."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:length]
