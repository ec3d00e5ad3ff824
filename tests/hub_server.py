"""A model hub on the loopback interface: the part of the protocol that huggingface_hub needs, and ways to go wrong. For
tests."""

import contextlib
import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE = 1_000_000  # bytes; above it a file is stored apart, as with the hub: its SHA-256 for an ETag, behind a redirect


def etag_of(content: bytes) -> str:
    if len(content) >= LARGE:
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@dataclass
class Hub:
    """``files``: "owner/name/file" → content. What goes wrong: ``cuts``, the connection ends after so many bytes of a
    body, once each; ``served``: no body is longer, though the file is; ``sent``: name → content in place of the right
    one; ``refused``: the status of every request for a body; ``gated``: who has no token is turned away. ``licence``:
    that a repository states."""

    endpoint: str
    files: dict[str, bytes]
    cuts: list[int] = field(default_factory=list)
    served: int | None = None
    sent: dict[str, bytes] = field(default_factory=dict)
    refused: int | None = None
    gated: bool = False
    licence: str | None = None
    requests: list[tuple[str, str, str | None]] = field(default_factory=list)  # method, path, range

    def bodies(self, name: str) -> list[str | None]:
        """The ranges of the requests for a file's body, None for all of it."""
        return [asked for method, path, asked in self.requests if method == "GET" and path.endswith(name)]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *words) -> None:
        pass

    @property
    def hub(self) -> Hub:
        return self.server.hub

    def _end(self, status: int, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": "0"} | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()

    def _answer(self) -> None:
        hub = self.hub
        hub.requests.append((self.command, self.path, self.headers.get("Range")))
        if hub.gated and self.headers.get("Authorization") != "Bearer let-me-in":
            return self._end(403, {"X-Error-Code": "GatedRepo", "X-Error-Message": "ask for access"})
        if self.path.startswith("/api/models/"):
            return self._about(self.path.removeprefix("/api/models/"))
        stored = self.path.startswith("/storage/")
        owner, repository, *rest = self.path.removeprefix("/storage").strip("/").split("/")
        name = "/".join([owner, repository, *(rest[2:] if rest[0] == "resolve" else rest)])
        if name not in hub.files:
            known = any(key.startswith(f"{owner}/{repository}/") for key in hub.files)
            return self._end(404, {"X-Error-Code": "EntryNotFound" if known else "RepoNotFound"})
        content = hub.files[name]
        about = {"X-Repo-Commit": COMMIT, "ETag": f'"{etag_of(content)}"'}
        if len(content) >= LARGE and not stored:
            linked = {
                "X-Linked-ETag": f'"{etag_of(content)}"',
                "X-Linked-Size": str(len(content)),
                "Location": f"{hub.endpoint}/storage/{name}",
            }
            return self._end(302, about | linked)
        if self.command == "HEAD":
            return self._end(200, about | {"Content-Length": str(len(content))})
        if hub.refused and rest[-1].endswith(".ckpt"):
            return self._end(hub.refused)
        return self._body(hub.sent.get(name, content), about)

    def _about(self, repository: str) -> None:
        names = [name.removeprefix(f"{repository}/") for name in self.hub.files if name.startswith(f"{repository}/")]
        tags = [f"license:{self.hub.licence}"] if self.hub.licence else []
        content = json.dumps(
            {"id": repository, "sha": COMMIT, "siblings": [{"rfilename": name} for name in names], "tags": tags}
        ).encode()
        self._end(
            200 if names else 404,
            {"Content-Length": str(len(content)), **({} if names else {"X-Error-Code": "RepoNotFound"})},
        )
        self.wfile.write(content)

    def _body(self, content: bytes, about: dict[str, str]) -> None:
        whole, asked, status = len(content), self.headers.get("Range"), 200
        if asked:
            start, status = int(asked.removeprefix("bytes=").split("-")[0]), 206
            about = about | {"Content-Range": f"bytes {start}-{whole - 1}/{whole}"}
            content = content[start:]
        elif self.hub.served is not None:
            content = content[: self.hub.served]
        self._end(status, about | {"Content-Length": str(len(content))})
        if self.hub.cuts and len(content) > self.hub.cuts[0]:
            content = content[: self.hub.cuts.pop(0)]
            self.close_connection = True
        self.wfile.write(content)

    do_GET = do_HEAD = _answer


@contextlib.contextmanager
def serving(files: dict[str, bytes]) -> Iterator[Hub]:
    """A hub with these files, until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.hub = Hub(f"http://127.0.0.1:{server.server_port}", dict(files))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
