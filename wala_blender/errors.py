"""The library's named exceptions. Knows how a failure is worded; not where it is shown.

Every message states what went wrong with the actual and the expected value; every hint says what to do about it.
"""


class WalaError(Exception):
    """Base of all expected failures.

    Attributes: ``code`` (a stable machine word, class attribute), ``message`` (one line), ``hint`` (one line, may be "").
    """

    code = "failed"

    def __init__(self, message: str, hint: str = ""):
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}. {self.hint}" if self.hint else self.message


class InputError(WalaError):
    """What the user gave cannot be used: empty, non-finite, wrong shape, unreadable."""

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
