"""Downloads from the model hub: resumable, limited to the expected size, verified by checksum.

Proxies, HF_ENDPOINT, HF_TOKEN and certificates are left to huggingface_hub. Its hf_hub_download restarts a file from
the beginning in every process, so only its parts are used here: the metadata of a file, and a download into an open
stream.
"""

import contextlib
import errno
import io
import logging
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import DownloadError, OutputError, first_line
from ..files import file_digest

log = logging.getLogger(__name__)

OnBytes = Callable[[int], None]
_SHA256, _GIT_SHA1 = re.compile("[0-9a-f]{64}"), re.compile("[0-9a-f]{40}")
_WORD, _NO_WORD = re.compile("[0-9A-Za-z_.-]{1,128}"), re.compile("[^0-9A-Za-z_.-]")
_AGAIN = "Fetch again: it goes on where it stopped."


@dataclass(frozen=True)
class RemoteFile:
    """A file of a repository at one commit. ``etag``: its SHA-256, or git's SHA-1 of a small one. ``size`` in bytes."""

    repository: str
    name: str
    commit: str
    etag: str
    size: int

    @property
    def own_name(self) -> str:
        """Its name without the repository's folders."""
        return self.name.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class Repository:
    """The hub's data on a repository: its newest ``commit``, the names of the ``files``, and the stated ``licence``, ""
    for none."""

    commit: str
    files: tuple[str, ...]
    licence: str


class _TooLong(Exception):
    """More bytes arrive than expected."""


class _Stream(io.BufferedWriter):
    """File to append to that reports its length after each piece, and accepts no more than ``size`` bytes."""

    def __init__(self, path: Path, on_bytes: OnBytes, size: int):
        super().__init__(io.FileIO(path, "ab"))
        self._on_bytes, self._size = on_bytes, size

    def write(self, piece) -> int:
        if self.tell() + len(piece) > self._size:
            raise _TooLong
        written = super().write(piece)
        self._on_bytes(self.tell())
        return written


def look_up(
    repository: str, name: str, revision: str = "main", endpoint: str | None = None, token: str | None = None
) -> RemoteFile:
    """The hub's data on a file. endpoint, token: None takes huggingface_hub's, from the environment. Raises
    DownloadError."""
    from huggingface_hub import errors, get_hf_file_metadata, hf_hub_url

    with _explained(repository, name):
        url = hf_hub_url(repository, name, revision=revision, endpoint=endpoint)
        try:
            found = get_hf_file_metadata(url, token=token, endpoint=endpoint)
        except (OSError, errors.HTTPError):
            raise
        except Exception as error:  # of the libraries below: a proxy's address, or the endpoint's, that they cannot use
            raise DownloadError(*_explanation_of(error)) from error
    if (
        found.commit_hash is None
        or found.etag is None
        or found.size is None
        or not _WORD.fullmatch(found.commit_hash)
        or found.size <= 0
    ):
        raise DownloadError(f"{url} was not answered by a model hub", "Check HF_ENDPOINT and the proxy.")
    return RemoteFile(repository, name, found.commit_hash, found.etag, found.size)


def look_into(repository: str, endpoint: str | None = None, token: str | None = None) -> Repository:
    """Current state of a repository. Arguments and errors as in ``look_up``."""
    from huggingface_hub import HfApi, errors

    with _explained(repository, "list of files"):
        try:
            found = HfApi(endpoint, token=token).model_info(repository)
        except (OSError, errors.HTTPError):
            raise
        except Exception as error:
            raise DownloadError(*_explanation_of(error)) from error
    if not found.sha or not _WORD.fullmatch(found.sha):
        raise DownloadError(f"{repository} was not answered by a model hub", "Check HF_ENDPOINT and the proxy.")
    licences = [tag.removeprefix("license:") for tag in found.tags or () if tag.startswith("license:")]
    licence = next((word for word in licences if _WORD.fullmatch(word)), "")
    return Repository(found.sha, tuple(sibling.rfilename for sibling in found.siblings or ()), licence)


def _explanation_of(error: Exception) -> tuple[str, str]:
    """Message and hint, without the address: it may have a password."""
    proxies = [
        name for name in os.environ if name.upper() in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY") and os.environ[name]
    ]
    if not proxies:
        return f"the model hub's address cannot be used ({type(error).__name__})", "Check HF_ENDPOINT."
    if isinstance(error, ImportError):
        return (
            f"the proxy in {', '.join(proxies)} is a SOCKS proxy, which this installation cannot use",
            "Install it again, or: pip install socksio",
        )
    return (
        f"the proxy in {', '.join(proxies)} cannot be used ({type(error).__name__})",
        "Give an address like http://host:port or socks5://host:port.",
    )


def part_of(file: RemoteFile, folder: Path) -> Path:
    """Where the file lies while it is incomplete; another version has another name."""
    return folder / f".{file.own_name}.{_NO_WORD.sub('_', file.etag[:16])}.part"


def download(
    file: RemoteFile,
    folder: Path,
    on_bytes: OnBytes,
    endpoint: str | None = None,
    token: str | None = None,
    pinned: str | None = None,
) -> tuple[str, str]:
    """Fetches the file into the folder, complete and verified, or not at all; returns its SHA-256, and its reference:
    "table" (``pinned``, a SHA-256 known before), "hub" (the hub's checksum), "" (none: the hub has no checksum).

    ``on_bytes(so far)`` is called after every piece and may raise to stop. The received part is kept for the next call.
    Raises DownloadError.
    """
    from huggingface_hub import hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers

    part = part_of(file, folder)
    there = part.stat().st_size if part.exists() else 0
    if there > file.size:
        part.unlink()
        there = 0
    on_bytes(there)
    url = hf_hub_url(file.repository, file.name, revision=file.commit, endpoint=endpoint)
    try:
        with _explained(file.repository, file.name, part), _quietly(), _Stream(part, on_bytes, file.size) as stream:
            http_get(url, stream, resume_size=there, headers=build_hf_headers(token=token), expected_size=file.size)
    except _TooLong as error:
        part.unlink(missing_ok=True)
        raise DownloadError(
            f"{file.name} of {file.repository} does not end at the {file.size} bytes that were promised",
            "Fetch again, from the beginning; if it happens again, something between here and the hub changes the file.",
        ) from error
    downloaded = _checked(file, part, pinned)
    os.replace(part, folder / file.own_name)
    return downloaded


def _checked(file: RemoteFile, part: Path, pinned: str | None) -> tuple[str, str]:
    """SHA-256 of a complete part, and by what it was checked. Raises DownloadError, and removes the part, where a
    checksum is another."""
    digest = file_digest(part)
    expected, actual, by = file.etag, digest, "hub"
    if pinned is not None:
        expected, by = pinned, "table"
    elif _GIT_SHA1.fullmatch(file.etag):
        actual = file_digest(part, begin=b"blob %d\0" % file.size, algorithm="sha1")
    elif not _SHA256.fullmatch(file.etag):
        return digest, ""
    if actual != expected:
        part.unlink()
        raise DownloadError(
            f"{file.name} arrived damaged: its checksum is {actual[:16]}…, expected {expected[:16]}…",
            "Fetch again, from the beginning; if it happens again, something between here and the hub changes the file.",
        )
    return digest, by


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Without huggingface_hub's own progress bar, and its messages on errors that it then recovers from."""
    from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars
    from huggingface_hub.utils.logging import get_verbosity, set_verbosity, set_verbosity_error

    shown, verbosity = not are_progress_bars_disabled(), get_verbosity()
    disable_progress_bars()
    set_verbosity_error()
    try:
        yield
    finally:
        set_verbosity(verbosity)
        if shown:
            enable_progress_bars()


@contextlib.contextmanager
def _explained(repository: str, name: str, part: Path | None = None) -> Iterator[None]:
    """What can go wrong between here and the hub, as DownloadError."""
    from huggingface_hub import errors

    where = f"https://huggingface.co/{repository}"
    try:
        yield
    except errors.GatedRepoError as error:
        raise DownloadError(
            f"{repository} is only open to people who were let in",
            f"Ask for access at {where}, then set HF_TOKEN to your access token.",
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise DownloadError(
            f"{repository} is not there, or not open to everyone", f"Look at {where}; a private one needs HF_TOKEN."
        ) from error
    except errors.EntryNotFoundError as error:
        raise DownloadError(f"{repository} has no {name}", f"Look at {where}.") from error
    except errors.OfflineModeIsEnabled as error:
        raise DownloadError("downloads are switched off", "Unset HF_HUB_OFFLINE.") from error
    except errors.HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else 0
        if status == 416 and part is not None:
            part.unlink(missing_ok=True)  # the range is beyond the end of the server's file
        raise DownloadError(
            f"{name} of {repository} could not be fetched (the server answered {status})", _AGAIN
        ) from error
    except (errors.HTTPError, OSError) as error:
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
            raise OutputError(f"the disk is full: {name} could not be kept", "Make room. " + _AGAIN) from error
        raise DownloadError(
            f"{name} of {repository} could not be fetched ({first_line(error)})", "Check the connection. " + _AGAIN
        ) from error
