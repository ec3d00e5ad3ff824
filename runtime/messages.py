"""Messages between Blender and the worker, and the exceptions of the boundary.

Defines the kinds of messages, their fields and the protocol version. Independent of sockets, processes and the content
of job folders: arrays are never part of a message, which only names a job.
"""

import json
import math

from .events import LAST_EVENTS, MAX_NUMBER, WORKER_EVENTS

PROTOCOL = 3
WORKER_NAME = "wala-worker"
BLENDER_NAME = "wala-blender"
# One write of up to 16 KiB goes out in one piece (multiprocessing.connection splits longer ones), so a reader never
# gets half a message.
MAX_BYTES = 16_000
MAX_TEXT = 1_500

# kind -> {field: type}. Every message also has "type" and "job" (a job's id, or None where no job is meant).
KINDS: dict[str, dict[str, type | tuple[type, ...]]] = {
    "hello": {"name": str, "protocol": int, "nonce": str, "proof": str},
    "ready": {"proof": str, "pid": int},
    "run": {"folder": str},
    "load": {"model": str},
    "cancel": {},
    "shutdown": {},
    "ping": {"number": int},
    "pong": {"number": int},
    **{
        name: {field: (int, float) if kind is float else kind for field, kind in event.message_fields().items()}
        for name, event in WORKER_EVENTS.items()
    },
}
JOB_KINDS = frozenset({"run", "cancel", *WORKER_EVENTS})
LAST_KINDS = frozenset(event.name for event in LAST_EVENTS)
ONLINE_HINT = "Allow it in Preferences, System, Network."
SET_UP_HINT = "Press Set Up Worker, or choose another Python in the preferences."


class JobFailed(Exception):
    """Expected failure of a job, or of starting what runs it.

    Attributes: ``code`` (a stable machine word), ``message`` (one line: what happened), ``hint`` (one line: what to do,
    may be "").
    """

    def __init__(self, code: str, message: str, hint: str = ""):
        super().__init__(message)
        self.code = code
        self.message = " ".join(message.split())
        self.hint = " ".join(hint.split())

    def __str__(self) -> str:
        if not self.hint:
            return self.message
        return f"{self.message.rstrip('.')}. {self.hint}"


class Cancelled(Exception):
    """A job was cancelled; raised between two steps, never shown as an error."""


class MessageError(ValueError):
    """Bytes on the channel that are not a message of this protocol."""


def encode(kind: str, job: str | None = None, **fields: str | int | float) -> bytes:
    """One message as UTF-8 JSON. Texts, but for a folder, are cut to MAX_TEXT characters that can be shown. Raises
    MessageError."""
    message = {"type": kind, "job": job}
    message |= {
        name: _shown(value) if isinstance(value, str) and name != "folder" else value for name, value in fields.items()
    }
    _check(message)
    data = json.dumps(message, ensure_ascii=False, allow_nan=False).encode("utf-8", "surrogatepass")
    if len(data) > MAX_BYTES:
        raise MessageError(f"a {kind} message has {len(data)} bytes; the limit is {MAX_BYTES}")
    return data


def _shown(text: str) -> str:
    """Text of at most MAX_TEXT characters, without control characters, which JSON makes six bytes of, and lone
    surrogates, which Blender can't show."""
    shown = "".join("�" if "\ud800" <= letter <= "\udfff" else max(letter, " ") for letter in text[:MAX_TEXT])
    return shown if len(text) <= MAX_TEXT else shown[:-1] + "…"


def decode(data: bytes) -> dict:
    """The message in ``data``: a dict with "type", "job" and exactly the kind's fields. Raises MessageError for
    anything else."""
    try:
        message = json.loads(data.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError) as error:
        # Also raised for numbers with more digits than Python converts.
        raise MessageError(f"not JSON: {data[:60]!r}") from error
    _check(message)
    return message


def _check(message: object) -> None:
    if not isinstance(message, dict):
        raise MessageError(f"a message is an object, this is {type(message).__name__}")
    kind = message.get("type")
    if not isinstance(kind, str) or kind not in KINDS:
        raise MessageError(f"unknown kind of message {str(kind)[:60]!r}")
    fields = KINDS[kind]
    job = message.get("job")
    if kind in JOB_KINDS and not isinstance(job, str):
        raise MessageError(f"a {kind} message names a job, this one {job!r}")
    if set(message) != {"type", "job", *fields}:
        raise MessageError(
            f"a {kind} message has the fields {sorted(fields)}, this one {sorted(set(message) - {'type', 'job'})}"
        )
    for name, types in fields.items():
        value = message[name]
        if isinstance(value, bool) or not isinstance(value, types) or not (isinstance(value, str) or _is_finite(value)):
            raise MessageError(f"{kind}.{name} is {str(value)[:60]!r}")


def _is_finite(number: int | float) -> bool:
    """Whether a number is finite and fits a float."""
    return -MAX_NUMBER < number < MAX_NUMBER and math.isfinite(number)
