"""Message channel: JSON in frames over a Unix socket or a Windows named pipe, without pickle and TCP ports.

The worker listens at an address that Blender chose and sent on stdin, and Blender connects. Connecting never blocks,
neither for a socket nor for a pipe, while accepting would (a Windows pipe cannot be polled for a client). Both sides
prove with messages of the protocol that they have the key, which is sent on stdin too.
"""

import hashlib
import hmac
import logging
import os
import secrets
import shutil
import sys
import tempfile
import threading
from pathlib import Path

from . import frames, messages
from .messages import JobFailed, MessageError

log = logging.getLogger(__name__)

# sun_path holds 108 bytes on Linux and 104 on macOS, the final zero included.
MAX_SOCKET_PATH = 100
# Invalid messages before the channel is closed.
MAX_BAD_MESSAGES = 10
# Time limit of the handshake.
HANDSHAKE_SECONDS = 5.0


class ChannelClosed(Exception):
    """The other side has closed the channel."""


class InvalidMessages(ChannelClosed):
    """Too many invalid messages from the other side; the channel is unusable."""


def new_key() -> str:
    """A secret for one worker: 64 hex digits."""
    return secrets.token_hex(32)


def prove(key: str, who: str, nonce: str) -> str:
    """The answer to ``nonce`` that only a holder of the key can compute; ``who`` prevents an answer from being sent
    back as one's own."""
    return hmac.new(key.encode(), f"{who}:{nonce}".encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


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
    """One end of a message channel. Not for concurrent readers or concurrent writers."""

    def __init__(self, connection: frames.SocketFrames | frames.PipeFrames):
        self._frames = connection
        self._bad = 0

    def send(self, kind: str, job: str | None = None, *, is_patient: bool = True, **fields: str | int | float) -> None:
        """Send one message (messages.KINDS), waiting (unless not ``is_patient``) if the other side does not read.
        Raises ChannelClosed."""
        data = messages.encode(kind, job, **fields)
        try:
            self._frames.write(data, is_patient)
        except (OSError, ValueError) as error:
            raise ChannelClosed(str(error)) from error

    def receive(self, seconds: float | None = None) -> dict | None:
        """Wait for the next message, up to ``seconds`` (None: for ever); None if there is none by then.

        Raises MessageError for an invalid message, and ChannelClosed at the channel's end or after MAX_BAD_MESSAGES of
        them.
        """
        try:
            data = self._frames.read(seconds)
        except frames.FrameError as error:
            raise InvalidMessages(str(error)) from error
        except (EOFError, OSError, ValueError) as error:
            raise ChannelClosed(str(error)) from error
        if data is None:
            return None
        try:
            return messages.decode(data)
        except MessageError as error:
            self._bad += 1
            if self._bad >= MAX_BAD_MESSAGES:
                raise InvalidMessages(f"{self._bad} invalid messages, the last one: {error}") from error
            raise

    def poll(self) -> dict | None:
        """The next message if one has arrived, else None. Invalid messages are logged and skipped. Raises
        ChannelClosed."""
        while True:
            try:
                return self.receive(0.0)
            except MessageError as error:
                log.warning("dropped an invalid message: %s", error)

    def close(self) -> None:
        """Close the channel; the other side gets the end of the stream."""
        try:
            self._frames.close()
        except OSError:
            log.debug("closing a broken channel", exc_info=True)


def try_connect(address: str) -> Channel | None:
    """A channel to the worker, or None while nobody listens there. Never blocks. Raises OSError."""
    connection = frames.connect(address, messages.MAX_BYTES)
    return None if connection is None else Channel(connection)


class WorkerListener:
    """Listener for the worker's one authenticated connection. Raises OSError if the address cannot be used."""

    def __init__(self, address: str, key: str):
        self._listener = frames.FrameListener(address, messages.MAX_BYTES)
        self._key = key
        self._decision = threading.Lock()
        self._has_client = False
        self._is_closed = False

    def accept(self) -> Channel:
        """Accept connections until one authenticates; the others are closed. The address is free afterwards."""
        while True:
            channel = Channel(self._listener.accept())
            try:
                if self._authenticate(channel):
                    self._listener.close()
                    return channel
                log.warning("refused a client without the right key or protocol")
            except (ChannelClosed, MessageError) as error:
                log.warning("refused a client: %s", error)
            channel.close()

    def close(self) -> bool:
        """Accept no more connections. False if a client has already been authenticated: accept() is about to return its
        channel."""
        with self._decision:
            self._is_closed = not self._has_client
            return self._is_closed

    def _authenticate(self, channel: Channel) -> bool:
        nonce = secrets.token_hex(16)
        channel.send("hello", name=messages.WORKER_NAME, protocol=messages.PROTOCOL, nonce=nonce, proof="")
        answer = channel.receive(HANDSHAKE_SECONDS)
        if answer is None or answer["type"] != "hello" or answer["protocol"] != messages.PROTOCOL:
            return False
        if not is_proof(self._key, messages.BLENDER_NAME, nonce, answer["proof"]):
            return False
        with self._decision:
            if self._is_closed:
                return False
            self._has_client = True
        try:
            channel.send("ready", proof=prove(self._key, messages.WORKER_NAME, answer["nonce"]), pid=os.getpid())
        except ChannelClosed:
            self._has_client = False
            raise
        return True
