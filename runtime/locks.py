"""Locks on open files, released by the system when their holder dies."""

import logging
import sys

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

log = logging.getLogger(__name__)


def lock(number: int) -> bool:
    """Lock an open file (except on Windows: or folder) for this process, until it is closed. False if another process
    holds it; never waits.

    True also on drives without locks, as some network drives.
    """
    try:
        if sys.platform == "win32":
            msvcrt.locking(number, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        log.info("the drive knows no locks", exc_info=True)
    return True
