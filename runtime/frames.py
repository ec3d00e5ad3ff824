"""Byte frames over a Unix socket or a Windows named pipe; partial frames are buffered, not waited for.

A frame is a length, four bytes with the highest first, and so many bytes: what multiprocessing.connection sends.
"""

import contextlib
import ctypes
import os
import select
import socket
import struct
import sys
import time
from multiprocessing.connection import Client, Connection, Listener

HEADER = struct.Struct("!i")
PIECE = 65_536


class FrameError(OSError):
    """Received bytes are not a frame, or one above the limit; nothing after them can be read."""


class SocketFrames:
    """One end of a Unix socket. All methods raise OSError (EOFError: the other side closed it)."""

    def __init__(self, connection: socket.socket, limit: int):
        connection.setblocking(False)
        self._connection = connection
        self._limit = limit
        self._buffer = bytearray()

    def fileno(self) -> int:
        """The descriptor."""
        return self._connection.fileno()

    def read(self, seconds: float | None) -> bytes | None:
        """The next frame, waiting up to ``seconds`` (None: for ever) for it; None if it is not there by then."""
        end = None if seconds is None else time.monotonic() + seconds
        while (frame := self._cut()) is None:
            rest = None if end is None else max(end - time.monotonic(), 0.0)
            if rest != 0.0 and not select.select([self._connection], [], [], rest)[0]:
                return None
            try:
                piece = self._connection.recv(PIECE)
            except BlockingIOError:
                if rest == 0.0:
                    return None
                continue
            if not piece:
                raise EOFError("the other side hung up")
            self._buffer += piece
        return frame

    def _cut(self) -> bytes | None:
        """The first frame of what has arrived, if it is whole."""
        if len(self._buffer) < HEADER.size:
            return None
        length = HEADER.unpack_from(self._buffer)[0]
        if not 0 <= length <= self._limit:
            raise FrameError(f"a frame of {length} bytes; the limit is {self._limit}")
        end = HEADER.size + length
        if len(self._buffer) < end:
            return None
        frame = bytes(self._buffer[HEADER.size : end])
        del self._buffer[:end]
        return frame

    def write(self, frame: bytes, is_patient: bool) -> None:
        """Send a frame. If the other side does not read: wait for it, or (not ``is_patient``) raise BlockingIOError,
        after which nothing more can be sent."""
        rest = memoryview(HEADER.pack(len(frame)) + frame)
        while rest:
            try:
                rest = rest[self._connection.send(rest) :]
            except BlockingIOError:
                if not is_patient:
                    raise
                select.select([], [self._connection], [])

    def close(self) -> None:
        """Close the socket."""
        # Wakes up a reader in another thread.
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()


class PipeFrames:
    """One end of a Windows named pipe, where frames are messages of the system, received whole. Untested on Windows."""

    def __init__(self, connection: Connection, limit: int):
        self._connection = connection
        self._limit = limit

    def read(self, seconds: float | None) -> bytes | None:
        """As of SocketFrames."""
        return self._connection.recv_bytes(self._limit) if self._connection.poll(seconds) else None

    def write(self, frame: bytes, is_patient: bool) -> None:
        """As SocketFrames.write, but always waits: the pipe's buffer holds more than Blender sends."""
        self._connection.send_bytes(frame)

    def close(self) -> None:
        """Close the pipe."""
        self._connection.close()


def connect(address: str, limit: int) -> SocketFrames | PipeFrames | None:
    """A connection to the listener at ``address``; None if there is none, or if it is busy. Does not wait. Raises
    OSError. Untested on Windows."""
    if sys.platform == "win32":
        # Client waits for a busy pipe, so check first; a millisecond is the shortest timeout.
        is_there = ctypes.windll.kernel32.WaitNamedPipeW(ctypes.c_wchar_p(address), 1)
        return PipeFrames(Client(address), limit) if is_there else None
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    line.setblocking(False)
    try:
        line.connect(address)
    except (FileNotFoundError, ConnectionRefusedError, BlockingIOError):
        line.close()
        return None
    except BaseException:
        line.close()
        raise
    return SocketFrames(line, limit)


class FrameListener:
    """Listener at an address. Raises OSError if the address cannot be used."""

    def __init__(self, address: str, limit: int):
        self._limit = limit
        self._address = address
        if sys.platform == "win32":
            self._listener = Listener(address, backlog=4)
            return
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.bind(address)
            self._socket.listen(4)
        except BaseException:
            self._socket.close()
            raise

    def accept(self) -> SocketFrames | PipeFrames:
        """Wait for a connection."""
        if sys.platform == "win32":
            return PipeFrames(self._listener.accept(), self._limit)
        return SocketFrames(self._socket.accept()[0], self._limit)

    def close(self) -> None:
        """Stop listening; the address is free afterwards."""
        if sys.platform == "win32":
            self._listener.close()
            return
        self._socket.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._address)
