"""Work shared out among threads, with results in order and memory flat."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

__all__ = ["ordered_map"]

Item = TypeVar("Item")
Answer = TypeVar("Answer")


def ordered_map(
    task: Callable[[Item], Answer], items: Iterable[Item], workers: int
) -> Iterator[Answer]:
    """Yield ``task(item)`` for each item in order, worked out on `workers` threads.

    Items are taken from the calling thread as they are needed, so `items` may
    be endless; at most twice as many as there are workers are in flight.
    """
    pool = ThreadPoolExecutor(workers, thread_name_prefix="galedge")
    pending: deque[Future[Answer]] = deque()
    try:
        for item in items:
            pending.append(pool.submit(task, item))
            # Twice the workers: nobody runs dry while the caller uses results.
            while len(pending) >= 2 * workers or (pending and pending[0].done()):
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        # An abandoned stream does not wait for what nobody will see.
        pool.shutdown(wait=False, cancel_futures=True)
