"""Model bundles: a network, and the card that says what its outputs mean.

A bundle is a folder with ``card.json`` and one ONNX file per precision. The
card's hashes are checked before anything is loaded; nothing is unpickled.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from galedge.errors import ModelError
from galedge.network.card import Card
from galedge.network.choose import Choice, choose
from galedge.network.engine import start
from galedge.network.engines import Engine
from galedge.network.views import DOUBT, others

__all__ = ["Model", "Prediction", "find_card", "shipped"]

T_TYPE_RANGE = (-6.0, 11.0)  # de Vaucouleurs' scale, compact ellipticals to compact irregulars

_MODELS = Path(__file__).parents[1] / "models"


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model says about a batch.

    Attributes
    ----------
    probabilities : ndarray of float32, shape (N, C)
        Calibrated; each row sums to one.
    t_type, t_type_error : ndarray of float32, shape (N,)
        De Vaucouleurs T-type and its standard error.
    features : ndarray of float32, shape (N, F)
        Probability of each of the card's `features`.
    """

    probabilities: NDArray[np.float32]
    t_type: NDArray[np.float32]
    t_type_error: NDArray[np.float32]
    features: NDArray[np.float32]


class Model:
    """A network ready to run, and how to read its outputs.

    Use `Model.load`. A model has no state that changes: one serves any number
    of threads.

    Attributes
    ----------
    card : Card
    choice : Choice
        Engine, device and precision in use, and why.
    sha256 : str
        Hash of the ONNX file in use (64 hexadecimal digits).
    """

    def __init__(self, card: Card, engine: Engine, choice: Choice) -> None:
        self.card = card
        self.choice = choice
        self.sha256 = card.networks[choice.precision].sha256
        self._engine = engine

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
        path = card.folder / card.networks[choice.precision].name
        running = start(
            choice.engine,
            card.network(choice.precision),
            str(path),
            device=choice.device,
            half=choice.half,
            workers=workers,
            threads=threads,
        )
        model = cls(card, running, choice)
        model._probe(path)
        return model

    def _probe(self, path: Path) -> None:
        """Run two blank images: a foreign network shows here, not mid-night."""
        size = self.card.recipe.size
        outputs = self._engine.run(np.zeros((2, 3, size, size), np.uint8))
        wanted = {"hubble": (2, len(self.card.classes)), "t_type": (2, 2)}
        if self.card.features:
            wanted["features"] = (2, len(self.card.features))
        found = {name: outputs[name].shape for name in wanted if name in outputs}
        if found != wanted:
            raise ModelError(
                f"{path}: gives {found or sorted(outputs)} for two images where its card "
                f"promises {wanted}; network and card do not belong together"
            )

    def predict(self, pixels: NDArray[np.uint8], views: int | str = 1) -> Prediction:
        """Classify prepared images of shape (N, 3, S, S).

        Parameters
        ----------
        pixels : ndarray of uint8
        views : {1, 8, "auto"}
            Over how many rotations and reflections to average; ``auto`` is
            eight for the images whose first answer is in doubt.
        """
        answer = self.decode(self._engine.run(pixels))
        if views == 1:
            return answer
        again = np.flatnonzero(answer.probabilities.max(axis=1, initial=0) < DOUBT)
        again = np.arange(len(pixels)) if views == 8 else again
        if not len(again):
            return answer
        for view, mirrored in others(pixels[again]):
            seen = self.decode(self._engine.run(view))
            if mirrored and "clockwise" in self.card.features:
                column = seen.features[:, self.card.features.index("clockwise")]
                column[:] = 1 - column
            for field in fields(answer):
                getattr(answer, field.name)[again] += getattr(seen, field.name)
        for field in fields(answer):
            getattr(answer, field.name)[again] /= 8
        return answer

    def decode(self, outputs: Mapping[str, NDArray[np.float32]]) -> Prediction:
        """Turn raw outputs into calibrated ones.

        Parameters
        ----------
        outputs : mapping of str to ndarray
            ``hubble``: logits, shape (N, C). ``t_type``: mean and log of
            sigma, shape (N, 2). ``features``, if the card names any: logits,
            shape (N, F).
        """
        mean, log_sigma = outputs["t_type"].T
        # e**10 is already far beyond the scale; the limit keeps it finite.
        log_sigma = np.minimum(log_sigma, 10)
        softening = np.exp(np.float32(self.card.temperature_slope) * log_sigma)
        logits = outputs["hubble"] / (np.float32(self.card.temperature) * softening)[:, np.newaxis]
        logits = logits - logits.max(axis=1, keepdims=True)
        exponentials = np.exp(logits)
        yes = outputs["features"] if self.card.features else np.empty((len(mean), 0), np.float32)
        return Prediction(
            probabilities=exponentials / exponentials.sum(axis=1, keepdims=True),
            t_type=np.clip(mean, *T_TYPE_RANGE),
            t_type_error=np.exp(log_sigma) * np.float32(self.card.t_sigma_scale),
            features=np.float32(1) / (np.float32(1) + np.exp(-np.clip(yes, -30, 30))),
        )


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
