"""Folders over a Dask cluster: a task is a thousand images, its rows one Parquet file.

The scheduler owns what is hard: sending tasks to workers, and sending them again
when a worker is lost. A task writes its part under a name of its own, whole or
not at all, so running it twice leaves the same file.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from galedge.errors import GaledgeError, OutputError
from galedge.images.inputs import Rejected
from galedge.support.extras import need

__all__ = ["Part", "classify_parts", "part_name"]

Part = tuple[str, int, list[tuple[str, str]]]
"""A part's path, its number of rows, and the path and reason of each rejected image."""

_ATTEMPTS = 10  # of a task whose workers are lost; then the task is to blame


def part_name(index: int) -> str:
    """Return the name of a part; parts sort as the images did."""
    return f"part-{index:06d}.parquet"


def classify_parts(
    address: str,
    sources: Sequence[str | Rejected],
    folder: str | os.PathLike[str],
    options: Mapping[str, Any] | None = None,
    about: Mapping[str, str] | None = None,
    *,
    per_task: int = 1000,
) -> Iterator[Part]:
    """Classify images on a cluster and leave a Parquet data set.

    Parameters
    ----------
    address : str
        Of the scheduler, such as ``tcp://10.0.0.1:8786``.
    sources : sequence of str or Rejected
        Paths that the workers can read, as `galedge.images.inputs.find` gives them;
        made absolute.
    folder : path
        Where parts are written: by the workers, so on a disk that they share.
        It must not exist or be empty.
    options : mapping, optional
        Arguments of `galedge.Classifier`; a model's folder is one that the
        workers can read.
    about : mapping of str to str, optional
        What makes the table; see `galedge.tables.catalog.open_table`.
    per_task : int
        Images of a task.

    Yields
    ------
    Part
        One for each task, as they finish.

    Raises
    ------
    GaledgeError
        If dask.distributed is missing, nobody answers at `address`, a worker
        lacks galedge, or a task fails.
    OutputError
        If the folder cannot be made or holds something.
    """
    distributed = need("distributed", "dask", "--dask")
    need("pyarrow", "tables", "--dask")
    folder = os.path.abspath(os.fspath(folder))
    try:
        os.makedirs(folder, exist_ok=True)
        if os.listdir(folder):
            raise OutputError(f"{folder}: holds something already; name a new or empty folder")
    except OSError as error:
        raise OutputError(f"{folder}: cannot hold the parts: {error.strerror}") from error
    tasks = [
        (index, list(map(_absolute, sources[low : low + per_task])))
        for index, low in enumerate(range(0, len(sources), per_task))
    ]
    try:
        client = distributed.Client(address, timeout=30)
    except (OSError, TimeoutError, ValueError) as error:
        raise GaledgeError(
            f"{address}: no Dask scheduler answers ({error}); start one with "
            "`dask scheduler` and workers with `dask worker ADDRESS`"
        ) from error
    with client:
        given = dict(options or {})
        if given.get("model") and os.path.isdir(given["model"]):
            given["model"] = os.path.abspath(given["model"])
        shared = given, dict(about or {}), folder
        futures = client.map(
            _task, tasks, shared=shared, key="galedge", pure=False, retries=_ATTEMPTS
        )
        try:
            for future in distributed.as_completed(futures):
                try:
                    yield future.result()
                except GaledgeError:
                    raise
                except Exception as error:
                    raise GaledgeError(
                        f"{address}: a task failed ({type(error).__name__}: {error}); every "
                        "worker needs this galedge, with 'galedge[dask]'"
                    ) from error
        finally:
            client.cancel(futures)


def _absolute(source: str | Rejected) -> str | Rejected:
    if isinstance(source, Rejected):
        return source
    return os.path.abspath(source)


def _task(
    task: tuple[int, list[str | Rejected]],
    shared: tuple[dict[str, Any], dict[str, str], str],
) -> Part:
    """Classify one task's images on a worker and write their part."""
    from galedge.answers.result import columns
    from galedge.tables.catalog import open_table

    index, sources = task
    options, about, folder = shared
    classifier = _classifier(tuple(sorted(options.items())))
    path = os.path.join(folder, part_name(index))
    rejected = []
    with open_table(path, columns(classifier.heads), about) as table:
        for result in classifier.stream(sources):
            table.write(result.as_row())
            if result.error is not None:
                rejected.append((result.path, result.error))
    return path, len(sources), rejected


@functools.lru_cache(maxsize=1)
def _classifier(options: tuple[tuple[str, Any], ...]) -> Any:
    """Load the model once a worker process, not once a task."""
    from galedge.answers.classifier import Classifier

    return Classifier(**dict(options))
