"""What may come over the channel instead of messages: Blender's poll returns at once, and the next good message is
heard."""

import socket
import struct
import time

import pytest

from runtime import channel, frames, messages

pytestmark = pytest.mark.faults

GOOD = messages.encode("step", "ab12cd34", stage="sample", step=3, steps=25, seconds=0.5)
FRAME = struct.pack("!i", len(GOOD)) + GOOD
# A poll may take 5 ms; what is not measured here is how busy the machine is.
SECONDS = 1.0


@pytest.fixture
def line():
    """Blender's channel, and the raw socket of who is at the other end."""
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    yield channel.Channel(frames.SocketFrames(ours, messages.MAX_BYTES)), theirs
    ours.close()
    theirs.close()


def polled(one):
    begun = time.monotonic()
    message = one.poll()
    assert time.monotonic() - begun < SECONDS
    return message


@pytest.mark.parametrize("length", range(1, len(FRAME), 3))
def test_a_part_of_a_frame_waits_for_the_rest(line, length):
    one, other = line
    other.sendall(FRAME + FRAME[:length])
    assert polled(one)["step"] == 3
    assert polled(one) is None and polled(one) is None
    other.sendall(FRAME[length:])
    assert polled(one)["step"] == 3


NUMBER = "9" * 5_000
BAD = {
    "nothing": b"",
    "a pickle": b"\x80\x04K\x01.",
    "null": b"null",
    "a list": b"[]",
    "no type": b"{}",
    "half": b'{"type": "st',
    "nested": b"[" * 15_000,
    "5,000 digits": f'{{"type": "ping", "job": null, "number": {NUMBER}}}'.encode(),
    "5,000 digits alone": NUMBER.encode(),
    "400 digits": f'{{"type": "ping", "job": null, "number": {"9" * 400}}}'.encode(),
    "not UTF-8": b'{"type": "\xff\xfe"}',
    "NUL": b"\0" * 100,
    "infinite": b'{"type": "done", "job": "a", "seconds": Infinity}',
    "not a number": b'{"type": "done", "job": "a", "seconds": NaN}',
    "too large": b'{"type": "done", "job": "a", "seconds": 1e999}',
    "true": b'{"type": "ping", "job": null, "number": true}',
    "a text": b'{"type": "ping", "job": null, "number": "1"}',
    "no job": b'{"type": "cancel", "job": null}',
    "a job of numbers": b'{"type": "cancel", "job": 5}',
    "unknown": b'{"type": "dance", "job": "a"}',
    "a list as type": b'{"type": ["run"], "job": "a"}',
    "more fields": b'{"type": "cancel", "job": "a", "extra": 1}',
    "fewer fields": b'{"type": "step", "job": "a"}',
    "twice": GOOD + GOOD,
    "a BOM": b"\xef\xbb\xbf" + GOOD,
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
def test_what_is_no_message_is_passed_over(line, data):
    one, other = line
    other.sendall(struct.pack("!i", len(data)) + data + FRAME)
    assert polled(one)["step"] == 3 and polled(one) is None


@pytest.mark.parametrize(
    "text",
    ["\ud800", "a\0b", "\x01" * 5_000, "\udcff" * 5_000, "\U0001f600" * 5_000, '"' * 5_000, "\\" * 5_000, "\n" * 5_000],
    ids=["surrogate", "NUL", "control", "surrogates", "wide", "quotes", "backslashes", "lines"],
)
def test_any_text_of_a_failure_arrives(line, text):
    one, other = line
    worker = channel.Channel(frames.SocketFrames(other, messages.MAX_BYTES))
    worker.send("failed", "a", code="internal", message=text, hint=text)
    message = polled(one)
    message["message"].encode("utf-8")
    assert message["code"] == "internal" and len(message["message"]) <= messages.MAX_TEXT


@pytest.mark.parametrize("length", [-1, -(2**31), messages.MAX_BYTES + 1, 2**31 - 1, 0x47455420])
def test_a_length_that_no_message_has_ends_the_conversation(line, length):
    one, other = line
    other.sendall(struct.pack("!i", length) + b"x" * 100)
    with pytest.raises(channel.InvalidMessages):
        polled(one)


@pytest.mark.parametrize("data", [b"", b"{]", BAD["5,000 digits"]], ids=["nothing", "half", "5,000 digits"])
def test_ten_bad_messages_end_the_conversation(line, data):
    one, other = line
    frame = struct.pack("!i", len(data)) + data
    other.sendall(frame * (channel.MAX_BAD_MESSAGES - 1) + FRAME)
    assert polled(one)["step"] == 3
    other.sendall(frame)
    with pytest.raises(channel.InvalidMessages):
        polled(one)


def test_who_does_not_read_is_not_waited_for(line):
    one, _ = line
    with pytest.raises(channel.ChannelClosed):
        for number in range(100_000):
            one.send("ping", is_patient=False, number=number)


@pytest.mark.parametrize("callers", [0, 1, 8])
def test_a_listener_that_takes_nobody_is_not_waited_for(callers):
    folder = channel.private_folder()
    address = channel.socket_address(folder)
    listener = frames.FrameListener(address, messages.MAX_BYTES)
    try:
        there = [channel.try_connect(address) for _ in range(callers)]
        begun = time.monotonic()
        one = channel.try_connect(address)
        assert time.monotonic() - begun < SECONDS
        assert one is None if callers == 8 else one.poll() is None
        for channel_or_none in [*there, one]:
            if channel_or_none is not None:
                channel_or_none.close()
    finally:
        listener.close()
        folder.rmdir()
