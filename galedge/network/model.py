"""Model bundles: a network, and the card that says what its outputs mean.

A bundle is a folder with ``card.json`` and one ONNX file per precision. The
card's hashes are checked before anything is loaded; nothing is unpickled.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from galedge.errors import ModelError
from galedge.network.card import Card
from galedge.network.choose import Choice, choose
from galedge.network.engine import start
from galedge.network.engines import Engine
from galedge.network.heads import Answer, Heads, Outputs
from galedge.network.onnx import add_outputs
from galedge.network.pooled import embedding_tensor
from galedge.network.views import DOUBT, others

__all__ = ["Model", "Prediction", "find_card", "shipped"]

_MODELS = Path(__file__).parents[1] / "models"

_NO_EMBEDDING = (
    "{}: gives no embedding: its card names none, and it pools its maps in no one place; take a "
    "model with a head of kind embedding, such as hubble-2 or any that `training` exports"
)


class Told(NamedTuple):
    """What rows say of a batch, a list item an image.

    Attributes
    ----------
    finite : list of bool
        Whether the network gave finite numbers; elsewhere there is no answer.
    answers : list of tuple of tuple
        The cells of each head's columns.
    flags : list of tuple of str
        What preparing and the heads warn of.
    """

    finite: list[bool]
    answers: list[tuple[Answer, ...]]
    flags: list[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model says about a batch.

    ``prediction["t_type"]`` is what the head of that name says, as
    `galedge.network.heads.Head.decode` gives it.

    Attributes
    ----------
    heads : Heads
        What answered.
    values : dict of str to ndarray of float32, shape (N, W)
        Calibrated numbers by head: the probabilities of classes or labels, value
        and error of a quantity, an embedding, a typicality.
    """

    heads: Heads
    values: dict[str, NDArray[np.float32]]

    def __getitem__(self, name: str) -> NDArray[np.float32]:
        return self.values[name]

    def told(
        self,
        mirrored: NDArray[np.bool_],
        flags: Sequence[tuple[str, ...]] | None = None,
        *,
        label_all: bool = False,
    ) -> Told:
        """Return what rows say of the batch.

        Parameters
        ----------
        mirrored : ndarray of bool, shape (N,)
            Where the pictures were mirror images of what rows speak of.
        flags : sequence of tuple of str, optional
            What preparing the pictures warned of.
        label_all : bool
            Withhold no answer where there is no source, or none that the heads speak of.
        """
        finite = np.ones(len(mirrored), bool)
        flags = flags or [()] * len(mirrored)
        subject = self.heads.subject
        if subject.head:
            of = subject.warnings(self.heads[subject.head], self.values[subject.head])
            flags = [one + other for one, other in zip(flags, of, strict=True)]
        cells = []
        for head in self.heads:
            values = self.values[head.name]
            other = head.mirrored(values)
            if other is not values:
                values = np.where(mirrored[:, np.newaxis], other, values)
            finite &= np.isfinite(values).all(axis=1)
            cells.append(head.cells(values))
            more = head.flags(values)
            if more is not None:
                flags = [one + other for one, other in zip(flags, more, strict=True)]
        answers = list(zip(*cells, strict=True))
        if not label_all:
            reasons = subject.reasons
            for place, warnings in enumerate(flags):
                if not reasons.isdisjoint(warnings):
                    answers[place] = self.heads.withheld(answers[place])
        return Told(finite.tolist(), answers, list(flags))

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """Of the primary head's classes, shape (N, C); each row sums to one."""
        if self.heads.classes is None:
            raise ModelError("this model tells no classes; ask a head by its name")
        return self.values[self.heads.classes.name]


class Model:
    """A network ready to run, and how to read its outputs.

    Use `Model.load`. A model has no state that changes: one serves any number
    of threads.

    Attributes
    ----------
    card : Card
    heads : Heads
        The card's, with their files read.
    choice : Choice
        Engine, device and precision in use, and why.
    sha256 : str
        Hash of the ONNX file in use (64 hexadecimal digits).
    """

    def __init__(
        self,
        card: Card,
        engine: Engine,
        choice: Choice,
        *,
        workers: int = 1,
        threads: int = 1,
        tensor: str | None = None,
    ) -> None:
        self.card = card
        self.heads = card.heads.opened(card.folder)
        self.choice = choice
        self.sha256 = card.networks[choice.precision].sha256
        self._engine = engine
        self._process = os.getpid()
        self._settings: dict[str, Any] = {
            "workers": workers,
            "threads": threads,
            "tensor": tensor,
        }

    def __reduce__(self) -> tuple[Any, ...]:
        """Be loaded again in another process, from the same folder."""
        return _again, (str(self.card.folder.absolute()), self.choice, self._settings, self.sha256)

    @classmethod
    def load(
        cls,
        name_or_path: str | os.PathLike[str] | None = None,
        *,
        engine: str = "auto",
        device: str | None = None,
        precision: str | None = None,
        images: int | None = None,
        workers: int = 1,
        threads: int = 1,
    ) -> Model:
        """Load a shipped model by name, or a bundle from its folder.

        Parameters
        ----------
        name_or_path : str or path, optional
            Default: the shipped model, or the one of several whose card says
            ``"default": true``.
        engine, device, precision, images : optional
            See `galedge.network.choose.choose`.
        workers : int
            How many threads will predict at the same time; more may.
        threads : int
            CPU threads within one batch.

        Raises
        ------
        ModelError
            If there is no such bundle, or it is damaged or foreign; if there is
            no such engine here.
        ValueError
            If an option has no such value, or two contradict each other.
        """
        card = find_card(name_or_path)
        choice = choose(card, engine=engine, device=device, precision=precision, images=images)
        return cls._started(card, choice, workers=workers, threads=threads)

    @classmethod
    def _started(cls, card: Card, choice: Choice, **settings: Any) -> Model:
        engine = _start(card, choice, **settings)
        model = cls(card, engine, choice, **settings)
        model._probe(settings.get("tensor"))
        return model

    @property
    def path(self) -> Path:
        """The ONNX file in use."""
        return self.card.folder / self.card.networks[self.choice.precision].name

    def with_embedding(self) -> Model:
        """Return a model whose heads have an embedding: this one, or it with one output more.

        Raises
        ------
        ModelError
            If neither the card nor the network says where one is.
        """
        if self.heads.embedding is not None:
            return self
        try:
            tensor = embedding_tensor(self.card.network(self.choice.precision))
        except ValueError:
            tensor = None
        if tensor is None:
            raise ModelError(_NO_EMBEDDING.format(self.path))
        settings = self._settings | {"tensor": tensor}
        return Model._started(self.card, self.choice, **settings)

    def _run(self, pixels: NDArray[np.uint8]) -> Outputs:
        """Run the network, which a child of the process that loaded it starts anew.

        A fork copies an engine without its threads: waiting for them would never end.
        Destroying such an engine waits for them too, or crashes, so it is never let go.
        """
        if os.getpid() != self._process:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._engine))
            self._engine = _start(self.card, self.choice, **self._settings)
            self._process = os.getpid()
        return self._engine.run(pixels)

    def _probe(self, tensor: str | None) -> None:
        """Run two blank images: a foreign network shows here, not mid-night."""
        size = self.card.recipe.size
        outputs = self._run(np.zeros((2, 3, size, size), np.uint8))
        wanted = {name: (2, *shape) for name, shape in self.heads.outputs.items()}
        found = {name: outputs[name].shape for name in wanted if name in outputs}
        if found != wanted:
            raise ModelError(
                f"{self.path}: gives {found or sorted(outputs)} for two images where its card "
                f"promises {wanted}; network and card do not belong together"
            )
        if tensor is not None:  # which the card does not describe: the network must
            shape = outputs[tensor].shape
            if len(shape) != 2:
                raise ModelError(_NO_EMBEDDING.format(self.path))
            self.heads = self.heads.with_embedding(tensor, shape[1])

    def predict(self, pixels: NDArray[np.uint8], views: int | str = 1) -> Prediction:
        """Classify prepared images of shape (N, 3, S, S).

        Parameters
        ----------
        pixels : ndarray of uint8
        views : {1, 8, "auto"}
            Over how many rotations and reflections to average; ``auto`` is
            eight for the images whose first answer is in doubt.
        """
        answer = self.decode(self._run(pixels))
        if views == 1:
            return answer
        again = np.arange(len(pixels)) if views == 8 else self._in_doubt(answer)
        if not len(again):
            return answer
        for view, mirrored in others(pixels[again]):
            seen = self.decode(self._run(view))
            for head in self.heads:
                values = seen[head.name]
                answer[head.name][again] += head.mirrored(values) if mirrored else values
        for values in answer.values.values():
            values[again] /= 8
        return answer

    def _in_doubt(self, answer: Prediction) -> NDArray[np.intp]:
        """Return the images whose answer leaves doubt; all where no head can tell."""
        says = [head.in_doubt(answer[head.name], DOUBT) for head in self.heads]
        told = [doubt for doubt in says if doubt is not None]
        if not told:
            return np.arange(len(next(iter(answer.values.values()))))
        return np.flatnonzero(np.any(told, axis=0))

    def decode(self, outputs: Outputs) -> Prediction:
        """Turn raw outputs into calibrated ones.

        Parameters
        ----------
        outputs : mapping of str to ndarray of float32
            By output, each of shape (N, ...), as the heads say.
        """
        return Prediction(self.heads, {head.name: head.decode(outputs) for head in self.heads})


def _start(
    card: Card, choice: Choice, *, workers: int, threads: int, tensor: str | None = None
) -> Engine:
    """Start the engine that was chosen; `tensor` is one that the network gives besides."""
    network = card.network(choice.precision)
    return start(
        choice.engine,
        network if tensor is None else add_outputs(network, [tensor]),
        str(card.folder / card.networks[choice.precision].name),
        device=choice.device,
        half=choice.half,
        workers=workers,
        threads=threads,
    )


def _again(folder: str, choice: Choice, settings: dict[str, Any], sha256: str) -> Model:
    """Load a model that another process had; see `Model.__reduce__`."""
    model = Model._started(Card.read(folder), choice, **settings)
    if model.sha256 != sha256:
        raise ModelError(f"{folder}: has changed since this model was handed on; load it again")
    return model


def shipped() -> list[Card]:
    """Return the cards of the models that came with galedge, by name."""
    return [Card.read(path.parent) for path in sorted(_MODELS.glob("*/card.json"))]


def find_card(name_or_path: str | os.PathLike[str] | None = None) -> Card:
    """Return the card of the bundle that a user named; see `Model.load`."""
    if name_or_path is None:
        cards = shipped()
        if not cards:
            raise ModelError("no model came with this galedge; name a bundle's folder")
        return next((card for card in cards if card.default), cards[0])
    if isinstance(name_or_path, str) and os.path.basename(name_or_path) == name_or_path:
        cards = shipped()
        for card in cards:
            if card.name == name_or_path:
                return card
        if not os.path.isdir(name_or_path):
            names = ", ".join(card.name for card in cards) or "none"
            raise ModelError(
                f"{name_or_path}: no such model; shipped: {names}. "
                "A bundle of your own is named by its folder"
            )
    return Card.read(name_or_path)
