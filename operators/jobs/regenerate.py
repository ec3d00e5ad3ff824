"""Regeneration: submits a result's job again."""

from dataclasses import replace
from pathlib import Path

from ...runtime import jobs
from ...runtime.messages import JobFailed
from .. import preferences
from . import sources, stored_settings, submit
from .deliver import MARK
from .job_queue import Origin, Ticket


def source_of(item) -> Path | None:
    """The folder of the job that made an object, while it is kept; None for any other object. Cheap."""
    job = item.get(f"{MARK}job") if item is not None else None
    if not isinstance(job, str) or not jobs.ID.fullmatch(job):
        return None
    folder = preferences.folder("jobs") / job
    return folder if (folder / jobs.REQUEST).is_file() else None


def why_not(item, purpose: str) -> str:
    """Why the job of a result cannot be run once more, "" if it can; ``purpose`` completes "Make the result active …".
    Cheap."""
    if source_of(item) is not None:
        return ""
    return (
        f"Make the result active {purpose}. What older ones were made from is not kept: the preferences say how much is"
    )


def start(context, item, seed: int | None = None) -> Ticket:
    """Submit the job that made the object with another seed (None: the next one). Raises JobFailed without
    submitting."""
    folder = source_of(item)
    if folder is None:
        raise JobFailed("job-missing", f"What “{item.name}” was made from is not kept any more", "Generate it anew")
    old = jobs.read_request(folder)
    submit.require_model(old.model, old.condition)
    seed = old.seed + old.variations if seed is None else seed
    request = replace(old, id=jobs.new_id(), seed=seed, start="input", created="")
    source = sources.references(sources.find(item, context.scene))
    origin = Origin(item.name, source, stored_settings.to_plain(item.wala.settings), item.wala.fingerprint)
    return submit.submit(context, request, jobs.read_inputs(folder, old), origin)
