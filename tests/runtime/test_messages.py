"""Messages: what is said comes back; what is no message is refused."""

import json

import pytest

from runtime import messages
from runtime.messages import JobFailed, MessageError


@pytest.mark.parametrize(
    ("kind", "job", "fields"),
    [
        ("load", None, {"model": "starter"}),
        ("run", "ab12", {"folder": "/tmp/Größe 椅子/\udcff"}),
        ("step", "ab12", {"stage": "sample", "step": 3, "steps": 25, "seconds": 1.5}),
        ("done", "ab12", {"seconds": 1.5}),
        ("ping", None, {"number": 4}),
        ("shutdown", None, {}),
    ],
)
def test_round_trip(kind, job, fields):
    assert messages.decode(messages.encode(kind, job, **fields)) == {"type": kind, "job": job, **fields}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80\x04K\x01.",
        b"null",
        b"[]",
        b"{}",
        b'{"type": "dance", "job": null}',
        b'{"type": ["run"], "job": "a"}',
        b'{"type": "cancel", "job": null}',
        b'{"type": "cancel"}',
        b'{"type": "cancel", "job": "a", "extra": 1}',
        b'{"type": "ping", "job": null, "number": true}',
        b'{"type": "ping", "job": null, "number": "1"}',
        b'{"type": "ping", "job": null}',
        b"[" * 15_000,
    ],
)
def test_garbage_is_refused(data):
    with pytest.raises(MessageError):
        messages.decode(data)


def test_a_message_fits_one_write():
    data = messages.encode("failed", "a", code="internal", message="ü" * 50_000, hint="x" * 50_000)
    assert len(data) <= messages.MAX_BYTES
    assert len(json.loads(data)["message"]) == messages.MAX_TEXT
    with pytest.raises(MessageError):
        messages.encode("run", "a", folder="x" * 50_000)


def test_a_failure_is_one_line():
    assert str(JobFailed("x", "the disk\nis full.", "Free some\n space.")) == "the disk is full. Free some space."
    assert str(JobFailed("x", "the disk is full")) == "the disk is full"
