"""Process pool: maps a function over many items and survives a process that dies."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
_AHEAD = 4  # items a process that wait for it
DIED = object()  # in place of a result: the process died, by a crash in a library or lack of memory


def surviving_map(function: Callable[[Item], Result], items: Sequence[Item], jobs: int) -> Iterator[Result]:
    """function(item), or DIED, for every item, in their order, by ``jobs`` processes. An exception of the function ends
    it.

    function is a module's own, or a partial of one. When a process dies, those items that may have been its last are
    tried again, each in a process of its own.
    """
    position = 0
    while position < len(items):
        for result in _until_death(function, items[position:], jobs):
            position += 1
            yield result
        for item in items[position : position + jobs * _AHEAD]:
            result = next(_until_death(function, [item], 1), DIED)
            position += 1
            yield result
            if result is DIED:
                break


def _until_death(function: Callable[[Item], Result], items: Sequence[Item], jobs: int) -> Iterator[Result]:
    """Results in order; ends early when a process dies. A closed iterator drops what waits."""
    waiting: deque[Future[Result]] = deque()
    todo = iter(items)
    pool = ProcessPoolExecutor(jobs)
    try:
        while True:
            while len(waiting) < jobs * _AHEAD and (item := next(todo, waiting)) is not waiting:
                waiting.append(pool.submit(function, item))
            if not waiting:
                return
            yield waiting.popleft().result()
    except BrokenProcessPool:
        return
    finally:
        pool.shutdown(cancel_futures=True)
