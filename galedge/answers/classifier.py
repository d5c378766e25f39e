"""The classifier: the only loop from sources to results."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sized
from copy import copy
from dataclasses import replace
from typing import Any, TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

from galedge._version import __version__
from galedge.answers.result import Result, answered, failed
from galedge.errors import GaledgeError
from galedge.images.appearance import Appearance, appearances
from galedge.images.arrays import array_like, is_several, split
from galedge.images.chunks import chunks, in_turn
from galedge.images.colours import named_order
from galedge.images.facts import Facts
from galedge.images.header import HduName
from galedge.images.image import Image
from galedge.images.inputs import Rejected
from galedge.images.parts import ALL, parts_of
from galedge.images.prepare import named, prepare
from galedge.network.heads import Answer
from galedge.network.model import Model, Prediction
from galedge.network.views import VIEWS
from galedge.support.log import unforeseen
from galedge.support.machine import usable_cpus
from galedge.support.workers import ordered_map

__all__ = ["Classifier", "Source", "classify"]

Source: TypeAlias = Any
"""One galaxy: a path, a file's content, an image, an array (H, W) or (3, H, W), or what other
libraries hold one in; see `galedge.read`.

In a stream three of them with one plane each may be one: red, green and blue.
"""

BATCH, GPU_BATCH = 64, 1024


class Classifier:
    """Classifies galaxies; safe to use from several threads at once.

    Parameters
    ----------
    model : str, path or Model, optional
        A shipped model's name, a bundle's folder, or a loaded model. Default:
        the shipped model.
    workers : int, optional
        Threads that prepare and infer. Default: the CPUs this process may use.
    batch : int, optional
        Sources a worker takes at a time. Larger is a little faster; with 1 a
        result is never kept waiting for its neighbours, nor in `stream` for the
        next source of an iterator. Default: 64, on a GPU 1024.
    hdu : int or str, optional
        HDU to read from FITS files, by number, EXTNAME, or EXTNAME and EXTVER
        (``"SCI,2"``); or ``"all"``, for a result of each image of a file but weights,
        masks and noise. Default: the first image.
    plane : int, optional
        Plane to take from cubes. Default: a cube of three is a colour image,
        others are rejected.
    order : str, optional
        Bands of the planes of such a cube, in the order of the file, by name
        (``"grz"``, ``"F435W,F606W,F814W"``). Default: as its header says.
    frame : {"auto", "full"} or int, optional
        Framing, in place of the model's own; see `galedge.Recipe`.
    engine : str
        What runs the network: ``auto`` or a name that ``galedge info`` lists.
        Default: what ``galedge engines`` found fastest on this machine; where it
        has not been asked, ONNX Runtime.
    device : str, optional
        ``cpu``, ``cuda`` or ``cuda:N``. Default: the CPU; for engine ``cuda``
        the first GPU.
    precision : {"int8", "fp32"}, optional
        Default: on a CPU int8, where the model has it and the CPU can.
    views : {1, 8, "auto"}
        Over how many rotations and reflections to average the answer. With
        ``auto`` over eight where the first leaves doubt: a little more accurate
        for two to three times the network's time.
    sets : float, "auto" or None
        Level of the label sets (`Result.label_set`), such as 0.9; with ``"auto"`` that
        where the model has it. None for none.
    prior : mapping of str to float, optional
        Shares of the classes among what will be classified, which probabilities, labels and
        sets then go by. Default: those of the model's card.
    images : int, optional
        How many will be classified, for ``auto`` to weigh an engine's start
        against its speed. Default: many.
    keep_pixels : bool
        Whether results carry the pixels that the network saw.
    keep_embedding : bool
        Whether they carry the network's embedding, see `embed`.
    verify : bool
        Compare CHECKSUM and DATASUM of FITS files; a wrong one is an error.
    any_kind : bool
        Classify also what its header says is no image of the sky: darks, flats and
        biases, weights, masks and noise. Default: these are errors.
    label_all : bool
        Give labels and numbers also of what has no source, or is of another kind than the
        model speaks of. Default: they are None, see `Result.withheld`.

    Raises
    ------
    ModelError
        If the model is missing, damaged or foreign, or the engine is not
        installed.
    ValueError
        If an option is out of range, or two contradict each other.

    Examples
    --------
    >>> clf = galedge.Classifier()  # doctest: +SKIP
    >>> clf.classify("ngc4414.fits").label  # doctest: +SKIP
    'Sc'
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | Model | None = None,
        *,
        workers: int | None = None,
        batch: int | None = None,
        hdu: HduName | None = None,
        plane: int | None = None,
        order: str | None = None,
        frame: str | int | None = None,
        engine: str = "auto",
        device: str | None = None,
        precision: str | None = None,
        views: int | str = 1,
        sets: float | str | None = "auto",
        prior: Mapping[str, float] | Iterable[tuple[str, float]] | None = None,
        images: int | None = None,
        keep_pixels: bool = False,
        keep_embedding: bool = False,
        verify: bool = False,
        any_kind: bool = False,
        label_all: bool = False,
    ) -> None:
        self.workers = usable_cpus() if workers is None else workers
        self.hdu = hdu
        self.plane = plane
        named_order(order)  # which raises what is wrong with it
        self.order = order
        self.keep_pixels = keep_pixels
        self.keep_embedding = keep_embedding
        self.verify = verify
        self.any_kind = any_kind
        self.label_all = label_all
        if self.workers < 1 or (batch is not None and batch < 1):
            raise ValueError("workers and batch must be at least 1")
        if views not in VIEWS:
            raise ValueError(f"views must be 1, 8 or 'auto', not {views!r}")
        self.views = views
        if not isinstance(model, Model):
            model = Model.load(
                model,
                engine=engine,
                device=device,
                precision=precision,
                images=images,
                workers=self.workers,
            )
        self.model = model.with_embedding() if keep_embedding else model
        self.batch = batch or (BATCH if model.choice.device == "cpu" else GPU_BATCH)
        recipe = self.model.card.recipe
        self.recipe = recipe if frame is None else recipe.replace(framing=frame)
        self._local = threading.local()
        self._embedding: Classifier | None = None  # which embed makes
        self.heads = self.model.heads.asked_for(sets)
        self.sets = self.heads.level
        self.prior = None if prior is None else dict(prior)
        if self.prior is not None:
            self.heads = self.heads.with_prior(self.prior)
        self._nothing = self.heads.nothing()
        self._provenance: dict[str, Any] = {
            "model": self.model.card.name,
            "model_sha256": self.model.sha256,
            "engine": self.model.choice.engine,
            "precision": "fp16" if self.model.choice.half else self.model.choice.precision,
            "recipe_sha256": self.recipe.sha256,
            "version": __version__,
            "heads": self.heads,
        }

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what belongs to this process; the model says where it can be loaded."""
        state = {name: value for name, value in self.__dict__.items() if name != "_local"}
        return state | {"_embedding": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._local = threading.local()

    @overload
    def classify(self, source: str | os.PathLike[str] | bytes | Image) -> Result: ...
    @overload
    def classify(self, source: list[Any] | tuple[Any, ...]) -> list[Result]: ...
    @overload
    def classify(self, source: Any) -> Any: ...

    def classify(self, source: Source | list[Any] | tuple[Any, ...]) -> Result | list[Result]:
        """Classify one galaxy, or several at once.

        Parameters
        ----------
        source : path, bytes, Image, ndarray, or a list of them
            Or what other libraries hold an image in, see `galedge.read`; or a column of paths.
            Arrays of shape (H, W), (3, H, W), or (H, W, 1, 3 or 4) are one
            galaxy, of shape (N, H, W), (N, 3, H, W) or (N, H, W, 1, 3 or 4) several. Three planes
            are always *one* galaxy in three bands; give three mono images as a list
            or with a band axis, (3, 1, H, W).

        Returns
        -------
        Result or list of Result
            One for each galaxy, in order; with ``hdu="all"`` always a list. A galaxy that
            cannot be classified is a result with ``status == "error"``, not an exception.

        Raises
        ------
        ValueError
            If an array has another shape.
        """
        if is_several(source):
            return list(self.stream(source))
        try:
            array = array_like(source)
        except GaledgeError as error:
            return self._failure("", str(error))
        several = None if array is None else split(array)
        if several is None and self.hdu == ALL:
            return list(self.stream([source]))
        return self._chunk([source])[0] if several is None else list(self.stream(several))

    def embed(self, source: Source | list[Any] | tuple[Any, ...]) -> NDArray[np.float32]:
        """Return what galaxies are like: a few hundred numbers each, for questions of your own.

        They are what the network pools before any of its heads reads them: images that it
        takes to be alike have nearly the same.

        Parameters
        ----------
        source : path, bytes, Image, ndarray, or a list of them
            As for `classify`.

        Returns
        -------
        ndarray of float32, shape (N, D)
            A row for each galaxy, in order; NaN where it cannot be classified.

        Raises
        ------
        ModelError
            If the model gives no embedding.
        ValueError
            If an array has another shape than `classify` takes.
        """
        classifier = self.embedding()
        told = classifier.classify(source)
        results = [told] if isinstance(told, Result) else told
        head = classifier.model.heads.embedding
        assert head is not None
        rows = np.full((len(results), head.size), np.nan, np.float32)
        for row, result in zip(rows, results, strict=True):
            if result.embedding is not None:
                row[:] = result.embedding
        return rows

    def embedding(self) -> Classifier:
        """Return a classifier whose results carry embeddings: this one, or one beside it."""
        if self.keep_embedding:
            return self
        if self._embedding is None:
            other = copy(self)
            other.model = self.model.with_embedding()
            other.keep_embedding = True
            self._embedding = other
        return self._embedding

    def stream(self, sources: Iterable[Source]) -> Iterator[Result]:
        """Classify any number of galaxies, with results as they come.

        A few chunks of `batch` sources are in flight at any time, each
        prepared and inferred by one worker, so reading on one overlaps
        inference on another and memory stays flat: `sources` may be endless.

        Parameters
        ----------
        sources : iterable of path, bytes, Image or ndarray
            Or what other libraries hold an image in; taken as needed, from the
            calling thread. What is none of these is the error of its result.

        Yields
        ------
        Result
            One for each source, in their order; or, with ``hdu="all"``, for each image.
        """
        size, sources = self.batch, in_turn(sources)
        if self.hdu == ALL:
            sources = (part for each in sources for part in parts_of(each, self.any_kind))
        if size == 1 and not isinstance(sources, Sized):
            # The next source may be a night away: what is there is answered first.
            for source in sources:
                yield from self._chunk([source])
            return
        if isinstance(sources, Sized):  # a short list is shared out among all workers
            size = max(1, min(size, math.ceil(len(sources) / self.workers)))
        for results in ordered_map(self._chunk, chunks(sources, size), self.workers):
            yield from results

    def _chunk(self, sources: list[Source]) -> list[Result]:
        """Prepare and infer a few sources on this thread."""
        usable = [source for source in sources if not isinstance(source, Rejected)]
        answers = iter(self._answers(usable))
        return [
            self._failure(source.path, source.reason)
            if isinstance(source, Rejected)
            else next(answers)
            for source in sources
        ]

    def _answers(self, sources: list[Any]) -> list[Result]:
        """Infer; where that raises, one by one, and what raises is a row."""
        try:
            return self._infer(sources)
        except GaledgeError:  # of the model or the engine: no other image would fare better
            raise
        except Exception as error:
            if len(sources) == 1:
                path = named(sources[0])
                return [self._failure(path, unforeseen(error, path))]
        return [result for source in sources for result in self._answers([source])]

    def _buffer(self, count: int) -> NDArray[np.uint8]:
        """Return this thread's room for prepared images, which the next chunk takes again."""
        room: NDArray[np.uint8] | None = getattr(self._local, "room", None)
        if room is None or len(room) < count:
            size = self.recipe.size
            room = self._local.room = np.empty((count, 3, size, size), np.uint8)
        return room[:count]

    def _infer(self, sources: list[Any]) -> list[Result]:
        if not sources:
            return []
        batch = prepare(
            sources,
            self.recipe,
            hdu=None if self.hdu == ALL else self.hdu,
            plane=self.plane,
            order=self.order,
            out=self._buffer(len(sources)),
            verify=self.verify,
            any_kind=self.any_kind,
        )
        mirrored = np.array([facts.mirrored for facts in batch.facts], bool)
        flags = [facts.flags for facts in batch.facts]
        predicted = self.model.predict(batch.pixels, self.views)
        told = Prediction(self.heads, predicted.values).told(
            mirrored, flags, label_all=self.label_all
        )
        looks = appearances(batch.pixels)
        results = [self._result(*one) for one in zip(batch.facts, looks, *told, strict=True)]
        if self.keep_pixels:
            results = [
                replace(result, pixels=pixels.copy()) if result.ok else result
                for result, pixels in zip(results, batch.pixels, strict=True)
            ]
        if self.keep_embedding:
            head = self.model.heads.embedding
            assert head is not None
            results = [
                replace(result, embedding=one) if result.ok else result
                for result, one in zip(results, predicted[head.name], strict=True)
            ]
        return results

    def _result(
        self,
        facts: Facts,
        appearance: Appearance,
        finite: bool,
        answers: tuple[Answer, ...],
        flags: tuple[str, ...],
    ) -> Result:
        if facts.error is not None:
            return self._failure(facts.path, facts.error, facts.hdu, facts.flags)
        if not finite:
            return self._failure(facts.path, "the network gave no finite answer", facts.hdu)
        return answered(facts, appearance, answers, flags, self._provenance)

    def _failure(
        self, path: str, error: str, hdu: int | None = None, flags: tuple[str, ...] = ()
    ) -> Result:
        return failed(path, error, self._nothing, self._provenance, hdu, flags)


def classify(
    source: Source | list[Any] | tuple[Any, ...], model: str | os.PathLike[str] | None = None
) -> Result | list[Result]:
    """Classify with a classifier made for this one call; see `Classifier.classify`.

    Loading a model takes longer than using it: keep a `Classifier` for more
    than one call.
    """
    return Classifier(model).classify(source)
