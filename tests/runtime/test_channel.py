"""The channel: who is let in, and what happens to those who are not."""

import threading
import time
from multiprocessing.connection import Client

import pytest

from runtime import channel, frames, messages


@pytest.fixture
def address():
    folder = channel.private_folder()
    yield channel.socket_address(folder)
    folder.rmdir()


@pytest.fixture
def listener(address):
    """An open listener with the key "right"; .accepted gets the channel."""
    one = channel.WorkerListener(address, "right")
    one.accepted = []
    thread = threading.Thread(target=lambda: one.accepted.append(one.accept()), daemon=True)
    thread.start()
    yield one
    thread.join(0.5)
    if thread.is_alive():
        knock(address, "right")
    thread.join(10)


def knock(address, key):
    """Blender's side of the handshake; the worker's answer, or ChannelClosed."""
    one = channel.try_connect(address)
    hello = one.receive()
    one.send(
        "hello",
        name=messages.BLENDER_NAME,
        protocol=messages.PROTOCOL,
        nonce="n",
        proof=channel.prove(key, messages.BLENDER_NAME, hello["nonce"]),
    )
    return one, one.receive()


def test_nobody_listens(address):
    assert channel.try_connect(address) is None


def test_the_right_key_is_let_in_and_the_worker_proves_itself(address, listener):
    one, answer = knock(address, "right")
    assert channel.is_proof("right", messages.WORKER_NAME, "n", answer["proof"])
    assert not channel.is_proof("wrong", messages.WORKER_NAME, "n", answer["proof"])
    one.close()


def test_strangers_are_turned_away_and_the_door_stays_open(address, listener):
    with pytest.raises(channel.ChannelClosed):
        knock(address, "wrong")
    with Client(address) as stranger:
        stranger.recv_bytes()
        stranger.send_bytes(b"\x80\x04garbage")
        with pytest.raises(EOFError):
            stranger.recv_bytes()
    # An answer of the worker's own kind does not open it either.
    one = channel.try_connect(address)
    hello = one.receive()
    one.send(
        "hello",
        name="x",
        protocol=messages.PROTOCOL,
        nonce="n",
        proof=channel.prove("right", messages.WORKER_NAME, hello["nonce"]),
    )
    with pytest.raises(channel.ChannelClosed):
        one.receive()
    # Nor another protocol, nor someone who hangs up.
    one = channel.try_connect(address)
    hello = one.receive()
    one.send(
        "hello", name="x", protocol=99, nonce="n", proof=channel.prove("right", messages.BLENDER_NAME, hello["nonce"])
    )
    with pytest.raises(channel.ChannelClosed):
        one.receive()
    channel.try_connect(address).close()
    assert not listener.accepted
    assert knock(address, "right")[1]["type"] == "ready"


def test_garbage_on_an_open_channel_is_skipped(address, listener):
    with Client(address) as raw:
        blender = channel.Channel(frames.PipeFrames(raw, messages.MAX_BYTES))
        hello = blender.receive()
        proof = channel.prove("right", messages.BLENDER_NAME, hello["nonce"])
        blender.send("hello", name="x", protocol=messages.PROTOCOL, nonce="n", proof=proof)
        blender.receive()
        end = time.monotonic() + 10
        while not listener.accepted and time.monotonic() < end:
            time.sleep(0.01)
        worker = listener.accepted[0]
        assert worker.poll() is None
        raw.send_bytes(b"{]")
        raw.send_bytes(b'{"type": "run"}')
        blender.send("ping", number=5)
        assert worker.poll() == {"type": "ping", "job": None, "number": 5}
        assert worker.poll() is None
        # A message over the limit ends the conversation instead of being read.
        raw.send_bytes(b"x" * (messages.MAX_BYTES + 1))
        with pytest.raises(channel.ChannelClosed):
            worker.receive()


def test_a_long_temporary_folder_still_gives_a_usable_address(tmp_path, monkeypatch):
    long = tmp_path / ("x" * 120)
    long.mkdir()
    monkeypatch.setattr(channel.tempfile, "gettempdir", lambda: str(long))
    folder = channel.private_folder()
    listener = channel.WorkerListener(channel.socket_address(folder), "k")
    assert folder.stat().st_mode & 0o077 == 0
    assert list(long.iterdir()) == []
    listener._listener.close()
    folder.rmdir()
