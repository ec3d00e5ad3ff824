"""Connection to one worker process, on Blender's side: launch, handshake, messages, heartbeat, exit. Only stop()
blocks."""

import logging
import secrets
import time
from collections.abc import Callable

from . import channel, messages
from .channel import Channel, ChannelClosed, InvalidMessages
from .process import WorkerProcess, WorkerSettings, describe_exit

log = logging.getLogger(__name__)

# A cold start from a slow disk with a virus scanner takes tens of seconds; nothing blocks on it.
START_SECONDS = 90.0
PING_SECONDS = 2.0
SILENCE_SECONDS = 30.0
# Time between the end of the channel and the exit code.
EXIT_SECONDS = 1.0
# Time limit of one call of receive(); the remaining messages wait for the next call.
RECEIVE_SECONDS = 0.001


class WorkerConnection:
    """A launched worker and the connection to it. Raises JobFailed as WorkerProcess does. is_ready: the handshake is
    done; is_open: messages can be sent."""

    def __init__(self, settings: WorkerSettings):
        self.process = WorkerProcess(settings)
        self.is_ready = False
        self._channel: Channel | None = None
        self._nonce = ""
        self._started = time.monotonic()
        self._closed_at: float | None = None
        self._abort_reason = ""
        self._ping_number = 0
        self._ping_sent = 0.0
        self._ping_open = False
        self._is_silent = False

    @property
    def is_open(self) -> bool:
        """False once the channel is closed or the connection was aborted; its exit code follows."""
        return self._closed_at is None

    def send(self, kind: str, job: str | None = None, **fields: str | int) -> None:
        """Send a message; ignored while the worker is not connected or after its end."""
        if self._channel and self.is_open:
            try:
                self._channel.send(kind, job, is_patient=False, **fields)
            except ChannelClosed:
                self._closed_at = time.monotonic()

    def receive(self, handle: Callable[[dict], None]) -> bool:
        """Pass received messages to ``handle`` ("ready" once, then all but pongs), for a limited time. True if more may
        be waiting."""
        end = time.monotonic() + RECEIVE_SECONDS
        try:
            if self._channel is None:
                self._channel = channel.try_connect(self.process.address)
            while self._channel and self.is_open and (message := self._channel.poll()):
                if self._is_for_caller(message):
                    handle(message)
                if time.monotonic() > end:
                    return True
        except InvalidMessages as error:
            self.abort(f"sent invalid messages ({error})")
        except (ChannelClosed, OSError) as error:
            log.debug("the channel ended: %s", error)
            self._closed_at = time.monotonic()
        if not self.is_ready and self.is_open and time.monotonic() - self._started > START_SECONDS:
            self.abort(f"did not answer within {START_SECONDS:.0f} s of its start")
        return False

    def _is_for_caller(self, message: dict) -> bool:
        """Whether a message is for the caller of ``receive``: the end of the handshake, and everything but pongs after
        it."""
        if not self.is_ready:
            self._continue_handshake(message)
            return self.is_ready
        if message["type"] == "pong":
            self._ping_open = self._is_silent = False
        return message["type"] not in ("pong", "hello", "ready")

    def abort(self, reason: str) -> None:
        """Kill the worker; ``reason`` completes the sentence "the worker …"."""
        self._abort_reason = reason
        self._closed_at = time.monotonic()
        self.process.kill()

    def _continue_handshake(self, message: dict) -> None:
        """The handshake: the worker's hello, our hello with a proof, its ready with a proof."""
        if message["type"] == "hello" and not self._nonce:
            if message["protocol"] != messages.PROTOCOL or message["name"] != messages.WORKER_NAME:
                self.abort(
                    f"speaks protocol {message['protocol']} as {message['name'][:40]}; expected {messages.PROTOCOL}"
                )
                return
            self._nonce = secrets.token_hex(16)
            proof = channel.prove(self.process.key, messages.BLENDER_NAME, message["nonce"])
            self.send("hello", name=messages.BLENDER_NAME, protocol=messages.PROTOCOL, nonce=self._nonce, proof=proof)
        elif message["type"] == "ready" and channel.is_proof(
            self.process.key, messages.WORKER_NAME, self._nonce, message["proof"]
        ):
            self.is_ready = True
            self.process.let_go()
        else:
            self.abort("could not prove that it is ours")

    def check_heartbeat(self) -> float | None:
        """Send a heartbeat when one is due. Returns the seconds without an answer once they exceed the limit, only
        once; else None."""
        now = time.monotonic()
        if not self._ping_open and now - self._ping_sent > PING_SECONDS:
            self._ping_number += 1
            self._ping_sent, self._ping_open = now, True
            self.send("ping", number=self._ping_number)
        elif self._ping_open and not self._is_silent and now - self._ping_sent > SILENCE_SECONDS:
            self._is_silent = True
            return now - self._ping_sent
        return None

    def has_ended(self) -> bool:
        """Whether the process has ended, or the channel has been closed for so long that no exit code is to be
        expected."""
        if self.process.exit_code() is not None:
            return True
        return self._closed_at is not None and time.monotonic() - self._closed_at >= EXIT_SECONDS

    def describe_exit(self) -> str:
        """How the worker ended, to complete the sentence "the worker …"."""
        return self._abort_reason or describe_exit(self.process.exit_code())

    def stop(self, grace: float) -> None:
        """Ask the worker to exit, and kill it after ``grace`` seconds; at once if it is not ready. Blocks that long."""
        self.send("shutdown")
        if self._channel:
            self._channel.close()
        self.process.end(grace if self.is_ready else 0.0)

    def close(self) -> None:
        """Close the channel and remove the temporary files of a worker that has ended."""
        if self._channel:
            self._channel.close()
        self.process.clean()
