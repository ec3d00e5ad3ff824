"""How messages travel: a Unix socket or a Windows named pipe, JSON bytes, no pickle, no TCP port.

The worker listens at an address that Blender chose and told it on stdin, and Blender connects: looking whether a listener is there
never blocks, neither for a socket nor for a pipe, while accepting would (a Windows pipe cannot be polled for a client at all).
The key, told on stdin too, is proved by both sides with messages of the protocol, not by multiprocessing's own challenge, which blocks
until the other side answers. Knows nothing of jobs or processes.
"""

import hashlib
import hmac
import logging
import os
import secrets
import shutil
import sys
import tempfile
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path

from . import messages
from .messages import JobFailed, MessageError

log = logging.getLogger(__name__)

# sun_path holds 108 bytes on Linux and 104 on macOS, the final zero included.
MAX_SOCKET_PATH = 100


class ChannelClosed(Exception):
    """The other side is gone."""


def new_key() -> str:
    """A secret for one worker: 64 hex digits."""
    return secrets.token_hex(32)


def prove(key: str, who: str, nonce: str) -> str:
    """What only a holder of the key can answer to ``nonce``; ``who`` keeps an answer from being sent back as one's own."""
    return hmac.new(key.encode(), f"{who}:{nonce}".encode(), hashlib.sha256).hexdigest()


def is_proof(key: str, who: str, nonce: str, proof: str) -> bool:
    """Whether ``proof`` answers ``nonce``, compared in constant time."""
    return hmac.compare_digest(prove(key, who, nonce).encode(), proof.encode("utf-8", "replace"))


def private_folder() -> Path:
    """A new folder only this user can enter, with a path short enough for a socket in it."""
    candidates = [tempfile.gettempdir()] if sys.platform == "win32" else [tempfile.gettempdir(), "/tmp"]
    for parent in candidates:
        try:
            folder = Path(tempfile.mkdtemp(prefix="wala-", dir=parent))
        except OSError:
            continue
        if len(os.fsencode(socket_address(folder))) <= MAX_SOCKET_PATH or sys.platform == "win32":
            return folder
        shutil.rmtree(folder, ignore_errors=True)
    message = f"no usable temporary folder among {', '.join(candidates)}"
    raise JobFailed("worker-start", message, "Set TMPDIR to a short path you can write to.")


def socket_address(folder: Path) -> str:
    """Where the worker listens: a socket in ``folder``, or on Windows a pipe with an unguessable name."""
    if sys.platform == "win32":
        return rf"\\.\pipe\wala-{secrets.token_hex(16)}"
    return str(folder / "s")


class Channel:
    """One end of a connection that sends and receives messages. Not for several readers or several writers at once."""

    def __init__(self, connection: Connection):
        self._connection = connection

    def send(self, kind: str, job: str | None = None, **fields: str | int | float) -> None:
        """Send one message (messages.KINDS). Raises ChannelClosed."""
        data = messages.encode(kind, job, **fields)
        try:
            self._connection.send_bytes(data)
        except (OSError, ValueError) as error:
            raise ChannelClosed(str(error)) from error

    def receive(self) -> dict:
        """Wait for the next message. Raises ChannelClosed, or MessageError for bytes that are none."""
        try:
            data = self._connection.recv_bytes(messages.MAX_BYTES)
        except (EOFError, OSError, ValueError) as error:
            raise ChannelClosed(str(error)) from error
        return messages.decode(data)

    def poll(self) -> dict | None:
        """The next message if one has arrived, else None. What is no message is logged and skipped. Raises ChannelClosed."""
        while self._has_data():
            try:
                return self.receive()
            except MessageError as error:
                log.warning("dropped what is not a message: %s", error)
        return None

    def _has_data(self) -> bool:
        try:
            return self._connection.poll(0)
        except (OSError, ValueError) as error:
            raise ChannelClosed(str(error)) from error

    def close(self) -> None:
        """Hang up; the other side sees the end of the channel."""
        try:
            self._connection.close()
        except OSError:
            log.debug("closing a broken channel", exc_info=True)


def try_connect(address: str) -> Channel | None:
    """A channel to the worker, or None while nobody listens there. Never blocks."""
    try:
        return Channel(Client(address))
    except (FileNotFoundError, ConnectionRefusedError, BlockingIOError):
        return None


class Door:
    """The worker's listening end. Raises OSError if the address cannot be used."""

    def __init__(self, address: str, key: str):
        self._listener = Listener(address, backlog=4)
        self._key = key

    def admit(self) -> Channel:
        """Wait for someone who proves the key, turn all others away. The address is free afterwards."""
        while True:
            channel = Channel(self._listener.accept())
            try:
                if self._greet(channel):
                    self._listener.close()
                    return channel
                log.warning("turned away a caller without the right key or protocol")
            except (ChannelClosed, MessageError) as error:
                log.warning("turned away a caller: %s", error)
            channel.close()

    def _greet(self, channel: Channel) -> bool:
        nonce = secrets.token_hex(16)
        channel.send("hello", name=messages.WORKER_NAME, protocol=messages.PROTOCOL, nonce=nonce, proof="")
        answer = channel.receive()
        if answer["type"] != "hello" or answer["protocol"] != messages.PROTOCOL:
            return False
        if not is_proof(self._key, messages.BLENDER_NAME, nonce, answer["proof"]):
            return False
        channel.send("ready", proof=prove(self._key, messages.WORKER_NAME, answer["nonce"]), pid=os.getpid())
        return True
