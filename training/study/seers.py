"""Seers: networks that stay as they are, and what they make of pictures and of their views.

A bundle sees as `galedge tune` does. ImageNet's MobileNetV2 is what people take who have no
network of galaxies; it is given the same preparation at `SIDE` pixels.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from galedge.answers.classifier import Classifier
from galedge.images.prepare import prepare
from galedge.images.recipe import Recipe
from galedge.network.heads.labels import Labels
from galedge.network.views import others
from galedge.tuning.base import ROWS, Base
from training.data.pack import Pack
from training.nets.pretrained import Transfer

__all__ = ["Bundle", "Imagenet", "Seer", "remembered"]

SIDE = 128
_VIEWS = 4  # of MobileNetV2, whose 1,280 numbers a view cost the most
_PART = 250  # pictures at once; eight views of each are held

Pixels = NDArray[Any]


class Seer(Protocol):
    """A frozen network."""

    name: str
    sha256: str
    labels: tuple[str, ...]  # what it tells already: the last of its numbers

    def see(self, pictures: Sequence[Pixels], *, every: bool) -> NDArray[np.float32]:
        """Return what heads read (N, V, D) of pictures, in its views or in one."""
        ...


class Bundle:
    """A shipped model or a bundle, by its int8 file."""

    def __init__(self, model: str | None) -> None:
        self.classifier = Classifier(model, keep_pixels=True, engine="onnxruntime", sets=None)
        self.base = Base.of(self.classifier)
        card = self.base.card
        self.name = f"{card.name} {card.version}"
        self.sha256 = card.networks[self.base.precision].sha256
        read = [head for head in card.heads if isinstance(head, Labels)]
        self.labels = tuple(name for head in read for name in head.names)

    def see(self, pictures: Sequence[Pixels], *, every: bool) -> NDArray[np.float32]:
        """Return what heads read of pictures (N, V, D)."""
        results = self.classifier.stream(pictures)
        seen = self.base.see(results, len(pictures) if every else ROWS)
        if seen.failures:
            raise ValueError("picture {} {}".format(*seen.failures[0]))
        return seen.inputs


class _Features(nn.Module):
    """The features of a network as its answer."""

    def __init__(self, net: Any) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        """Return features."""
        found: Tensor = self.net.features(x)
        return found


class Imagenet:
    """torchvision's MobileNetV2 with ImageNet's weights, a file of its own."""

    labels: tuple[str, ...] = ()

    def __init__(self, weights: Path) -> None:
        net = Transfer("mobilenet_v2", {"none": 1}, str(weights)).eval()
        file = io.BytesIO()
        torch.onnx.export(  # ONNX Runtime is several times as fast
            _Features(net).eval(),
            (torch.rand(1, 3, SIDE, SIDE),),
            file,
            input_names=["pixels"],
            dynamic_axes={"pixels": {0: "n"}},
            dynamo=False,
        )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(file.getvalue(), options)
        self.name = f"MobileNetV2 of ImageNet, {SIDE} px"
        self.sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()

    def see(self, pictures: Sequence[Pixels], *, every: bool) -> NDArray[np.float32]:
        """Return the average of its last maps (N, V, 1280)."""
        recipe = replace(Recipe(), size=SIDE)
        found = []
        for start in range(0, len(pictures), 16):
            batch = prepare(pictures[start : start + 16], recipe).pixels
            views = [batch, *(view for view, _ in others(batch))] if every else [batch]
            seen = [self._features(view) for view in views[:: 8 // _VIEWS]]
            found.append(np.stack(seen, 1))
        return np.concatenate(found)

    def _features(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        (found,) = self.session.run(None, {"pixels": pixels.astype(np.float32) / 255})
        return np.asarray(found)


def remembered(
    seer: Seer, pack: Pack, rows: Sequence[int], *, every: bool, cache: Path | None
) -> NDArray[np.float32]:
    """Return what a seer makes of a pack's rows, from the cache where it has seen them."""
    found = []
    for start in range(0, len(rows), _PART):
        part = [int(row) for row in rows[start : start + _PART]]
        key = hashlib.sha256(repr((seer.sha256, str(pack.folder), part, every)).encode())
        path = cache and cache / f"{key.hexdigest()[:16]}.npy"
        if path and path.exists():
            found.append(np.load(path))
            continue
        found.append(seer.see([pack.pictures[row] for row in part], every=every))
        if path:
            np.save(path, found[-1])
    return np.concatenate(found)
