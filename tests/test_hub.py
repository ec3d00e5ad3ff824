"""One file from the hub: resumed, checked, and every way it can go wrong told apart."""

import hashlib

import numpy as np
import pytest
from hub_server import COMMIT, serving

from wala_blender.errors import DownloadError
from wala_blender.models import hub

REPOSITORY = "someone/model"
CONTENT = np.random.default_rng(0).bytes(3_000_000)
SMALL = b'{"e_dim": 4}'
FILES = {f"{REPOSITORY}/checkpoint.ckpt": CONTENT, f"{REPOSITORY}/args.json": SMALL}


@pytest.fixture
def served(monkeypatch):
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda seconds: None)
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 100_000)  # what a break can lose
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with serving(FILES) as one:
        yield one


def fetched(served, folder, name="checkpoint.ckpt", on_bytes=lambda done: None, token=None):
    file = hub.look_up(REPOSITORY, name, endpoint=served.endpoint, token=token)
    return hub.download(file, folder, on_bytes, served.endpoint, token)[0]


def test_a_file_is_looked_up_and_fetched(served, tmp_path):
    file = hub.look_up(REPOSITORY, "checkpoint.ckpt", endpoint=served.endpoint)
    assert (file.commit, file.size, file.etag) == (COMMIT, len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
    seen = []
    digest = fetched(served, tmp_path, on_bytes=seen.append)
    assert digest == file.etag and (tmp_path / "checkpoint.ckpt").read_bytes() == CONTENT
    assert seen[0] == 0 and seen[-1] == len(CONTENT) and seen == sorted(seen)
    fetched(served, tmp_path, "args.json")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["args.json", "checkpoint.ckpt"]


def test_a_broken_connection_is_resumed_at_once(served, tmp_path):
    served.cuts = [1_000_000, 500_000]
    fetched(served, tmp_path)
    assert (tmp_path / "checkpoint.ckpt").read_bytes() == CONTENT
    starts = [int(asked.removeprefix("bytes=")[:-1]) for asked in served.bodies("checkpoint.ckpt") if asked]
    assert len(set(starts)) == 2 and all(0 < start < len(CONTENT) for start in starts)


def test_what_has_arrived_is_kept_for_the_next_time(served, tmp_path):
    class Stop(Exception):
        pass

    def stop(done):
        if done >= 1_000_000:
            raise Stop

    served.cuts = [1_200_000]
    with pytest.raises(Stop):
        fetched(served, tmp_path, on_bytes=stop)
    [part] = tmp_path.iterdir()
    kept = part.stat().st_size
    assert part.name.endswith(".part") and 1_000_000 <= kept < len(CONTENT)
    served.refused = 503
    with pytest.raises(DownloadError, match="answered 503") as caught:
        fetched(served, tmp_path)
    assert "goes on where it stopped" in caught.value.hint and part.stat().st_size == kept
    served.refused = None
    seen = []
    fetched(served, tmp_path, on_bytes=seen.append)
    assert seen[0] == kept and served.bodies("checkpoint.ckpt")[-1] == f"bytes={kept}-"
    assert (tmp_path / "checkpoint.ckpt").read_bytes() == CONTENT and not part.exists()


def test_a_file_cut_on_the_way_is_not_taken_for_whole(served, tmp_path):
    served.served = 2_000_000
    with pytest.raises(DownloadError, match="should be of size 3000000 but has size 2000000"):
        fetched(served, tmp_path)
    assert not (tmp_path / "checkpoint.ckpt").exists()
    fetched(served, tmp_path)  # the rest is asked for by its range
    assert (tmp_path / "checkpoint.ckpt").read_bytes() == CONTENT


@pytest.mark.parametrize("name", ["checkpoint.ckpt", "args.json"])
def test_a_wrong_checksum_is_refused_and_nothing_kept(served, tmp_path, name):
    right = FILES[f"{REPOSITORY}/{name}"]
    served.sent = {f"{REPOSITORY}/{name}": right[:-1] + bytes([right[-1] ^ 1])}
    with pytest.raises(DownloadError, match="arrived damaged"):
        fetched(served, tmp_path, name)
    assert list(tmp_path.iterdir()) == []
    served.sent = {}
    fetched(served, tmp_path, name)
    assert (tmp_path / name).read_bytes() == right


def test_a_gated_repository_needs_a_token(served, tmp_path):
    served.gated = True
    with pytest.raises(DownloadError, match="only open to people who were let in") as caught:
        fetched(served, tmp_path)
    assert "HF_TOKEN" in caught.value.hint
    fetched(served, tmp_path, token="let-me-in")


@pytest.mark.parametrize(
    ("repository", "name", "words"),
    [(REPOSITORY, "other.bin", "has no other.bin"), ("someone/else", "args.json", "is not there")],
)
def test_what_is_not_there(served, repository, name, words):
    with pytest.raises(DownloadError, match=words):
        hub.look_up(repository, name, endpoint=served.endpoint)


def test_no_connection(tmp_path):
    with pytest.raises(DownloadError, match="could not be fetched") as caught:
        hub.look_up(REPOSITORY, "args.json", endpoint="http://127.0.0.1:9")
    assert "\n" not in str(caught.value) and "Check the connection" in caught.value.hint


def test_downloads_that_are_switched_off(served, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(DownloadError, match="switched off") as caught:
        hub.look_up(REPOSITORY, "args.json", endpoint=served.endpoint)
    assert "HF_HUB_OFFLINE" in caught.value.hint and served.requests == []
