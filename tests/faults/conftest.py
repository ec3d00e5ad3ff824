"""The fault programme's counter: every case of a test marked "faults" is one fault, and the run's end says how many
were tried, by file."""

from collections import Counter

import pytest
from workers import make_job, source_root, start, supervisor, until

__all__ = ["make_job", "source_root", "start", "supervisor", "until"]

TRIED = pytest.StashKey[list[pytest.Item]]()


def pytest_runtest_call(item):
    if item.get_closest_marker("faults"):
        item.config.stash.setdefault(TRIED, []).append(item)


def pytest_terminal_summary(terminalreporter, config):
    tried = config.stash.get(TRIED, [])
    if not tried:
        return
    skipped, failed = (
        {report.nodeid for report in terminalreporter.stats.get(outcome, [])} for outcome in ("skipped", "failed")
    )
    tried = [item for item in tried if item.nodeid not in skipped]
    kinds = Counter(item.path.stem.removeprefix("test_").replace("_", " ") for item in tried)
    terminalreporter.section("fault programme")
    for kind, number in sorted(kinds.items()):
        terminalreporter.write_line(f"{number:5} {kind}")
    terminalreporter.write_line(
        f"faults: {len(tried)} tried, {sum(item.nodeid in failed for item in tried)} not withstood"
    )
