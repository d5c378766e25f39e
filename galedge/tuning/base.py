"""Base: the bundle that is tuned, and what it sees of pictures and of their views."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galedge.answers.classifier import Classifier
from galedge.answers.result import Result
from galedge.errors import ModelError
from galedge.images.chunks import chunks
from galedge.network.card import Card
from galedge.network.engine import start
from galedge.network.heads.labels import Labels
from galedge.network.onnx import add_outputs, with_gains
from galedge.network.pooled import embedding_tensor
from galedge.network.views import others
from galedge.support.workers import ordered_map

__all__ = ["Base", "Seen"]

ROWS = 20_000  # pictures times views that are learned from; of more pictures fewer views are

_BATCH = 64
_ALL = 8  # views


@dataclass(frozen=True)
class Seen:
    """What the network makes of labelled pictures.

    Attributes
    ----------
    rows : ndarray of int, shape (N,)
        Which labels these are of; the others' pictures could not be read.
    inputs : ndarray of float32, shape (N, V, D)
        What new heads read, of each view; the first is the picture as it is.
    outputs : dict of str to ndarray, shape (N, V, W)
        What the network's own heads read.
    prints : list of str
        A hash of the prepared pixels: what is alike to the network is alike here.
    flags : list of tuple of str
    failures : list of (int, str)
        Labels whose pictures could not be read, and why.
    pixels : ndarray of uint8, shape (N, 3, S, S), or None
        As they were prepared, where they are kept.
    plain : dict of str to ndarray or None
        The outputs of before the base had gains.
    """

    rows: NDArray[np.intp]
    inputs: NDArray[np.float32]
    outputs: dict[str, NDArray[np.float32]]
    prints: list[str]
    flags: list[tuple[str, ...]]
    failures: list[tuple[int, str]]
    pixels: NDArray[np.uint8] | None = None
    plain: dict[str, NDArray[np.float32]] | None = None


@dataclass(frozen=True)
class Base:
    """A bundle whose network is kept as it is.

    Attributes
    ----------
    card : Card
    tensors : dict of str to str
        By precision, the network's tensor that holds all that it pools.
    further : tuple of str
        Outputs that new heads read beside it: what the network was taught to see. They
        are linear in what is pooled, and point where it is worth looking.
    precision : str
        The network that pictures are seen by.
    gains : tuple of float
        By which the planes of pixels are multiplied first; empty: they are not.
    """

    card: Card
    tensors: dict[str, str]
    further: tuple[str, ...]
    precision: str
    gains: tuple[float, ...] = ()

    @classmethod
    def of(cls, classifier: Classifier) -> Base:
        """Return the base that a classifier's model is.

        Raises
        ------
        ModelError
            If a network of it pools in no one place.
        """
        card = classifier.model.card
        named = card.heads.embedding
        tensors = {}
        for precision in card.networks:
            tensor = named.output if named else embedding_tensor(card.network(precision))
            if tensor is None:
                raise ModelError(
                    f"{card.folder / card.networks[precision].name}: pools its maps in no one "
                    "place, so there is nothing to learn on; tune another model, such as hubble-2"
                )
            tensors[precision] = tensor
        further = tuple(head.output for head in card.heads if isinstance(head, Labels))
        return cls(card, tensors, further, classifier.model.choice.precision)

    def network(self, precision: str) -> bytes:
        """Return a network of the card, behind the gains that it has here."""
        network = self.card.network(precision)
        return with_gains(network, np.array(self.gains, np.float32)) if self.gains else network

    def entries(self) -> list[dict[str, Any]]:
        """Return the card's heads, each saying whether it is primary.

        One that is so because it is the only one of its kind will not be that any more.
        """
        primary = {head.name for head in self.card.heads if head.primary}
        listed = copy.deepcopy(list(self.card.fields["heads"]))
        return [
            {**entry, "primary": True} if entry["name"] in primary else entry for entry in listed
        ]

    def see(
        self,
        results: Iterable[Result],
        number: int,
        told: Callable[[int], object] | None = None,
        *,
        keep: bool = False,
    ) -> Seen:
        """Run the network over pictures and their views.

        Parameters
        ----------
        results : iterable of Result
            Of a classifier with `keep_pixels`, one for each of `number` labels.
        told : function of a number, optional
            Called with how many were seen.
        keep : bool
            Whether the prepared pixels are kept.
        """
        rows: list[int] = []
        prints: list[str] = []
        flags: list[tuple[str, ...]] = []
        failures: list[tuple[int, str]] = []
        kept: list[NDArray[np.uint8]] = []

        def usable() -> Iterator[NDArray[np.uint8]]:
            for place, result in enumerate(results):
                if told is not None:
                    told(place + 1)
                if result.pixels is None:
                    failures.append((place, result.error or "cannot be read"))
                    continue
                rows.append(place)
                prints.append(hashlib.sha256(result.pixels.tobytes()).hexdigest())
                flags.append(result.flags)
                if keep:
                    kept.append(result.pixels)
                yield result.pixels

        inputs, outputs = self.look(usable(), number)
        pixels = np.stack(kept) if kept else None
        return Seen(np.array(rows, np.intp), inputs, outputs, prints, flags, failures, pixels)

    def look(
        self, pixels: Iterable[NDArray[np.uint8]], number: int, views: int | None = None
    ) -> tuple[NDArray[np.float32], dict[str, NDArray[np.float32]]]:
        """Return `Seen.inputs` and `Seen.outputs` of prepared pictures, of `number` at most."""
        tensor = self.tensors[self.precision]
        network = add_outputs(self.network(self.precision), [tensor])
        engine = start("onnxruntime", network, str(self.card.folder), workers=2)
        views = views or next(v for v in (8, 4, 2, 1) if v == 1 or v * number <= ROWS)
        reads = (tensor, *self.further)
        heads = sorted({head.output for head in self.card.heads if head.output})
        inputs: list[NDArray[np.float32]] = []
        outputs: dict[str, list[NDArray[np.float32]]] = {name: [] for name in heads}

        def seen(pixels: list[NDArray[np.uint8]]) -> tuple[Any, dict[str, Any]]:
            batch = np.stack(pixels)
            every = [batch, *(view for view, _ in others(batch))][:: _ALL // views]
            found = [dict(engine.run(view)) for view in every]
            stacked = {name: np.stack([each[name] for each in found], 1) for name in found[0]}
            return np.concatenate([stacked[name] for name in reads], 2), {
                name: stacked[name] for name in heads if name in stacked
            }

        for part, more in ordered_map(seen, chunks(pixels, _BATCH), 2):
            inputs.append(part)
            for name, values in more.items():
                outputs[name].append(values)
        return (
            np.concatenate(inputs) if inputs else np.empty((0, views, 0), np.float32),
            {name: np.concatenate(parts) for name, parts in outputs.items() if parts},
        )
