"""What the tests of the boundary share."""

from workers import make_job, source_root, start, supervisor, until

__all__ = ["make_job", "source_root", "start", "supervisor", "until"]
