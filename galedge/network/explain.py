"""Class activation maps from a bundle's ONNX file alone.

A network that pools its last maps over the sky and reads classes from what is
pooled can be asked cell by cell: with this cell of the maps set to zero, by how
much does the class fall? For an average that is read linearly this is the class
activation map (Zhou et al. 2016, arXiv:1512.04150), exactly; and it is as exact
for a maximum, which falls to its runner-up, and for whatever else the heads do
(ablation, as Ramaswamy & Desai 2020 do by channel, here by place).

Only the heads run again for each cell, so a galaxy costs milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galedge.errors import ModelError
from galedge.network.engines import Setup
from galedge.network.engines.onnxruntime import OnnxRuntimeEngine
from galedge.network.heads import Head, Heads
from galedge.network.model import Model, Prediction
from galedge.network.onnx import add_outputs, cut, nodes
from galedge.network.pooled import pools

__all__ = ["Explainer", "Explanation", "spread"]


@dataclass(slots=True)
class Explanation:
    """What made the network answer as it did.

    Attributes
    ----------
    prediction : Prediction
        Its answers, calibrated.
    head : Head
        Which of its answers is explained.
    target : ndarray of int, shape (N,)
        Index of the class, or of what else the head tells.
    heat : ndarray of float32, shape (N, S, S)
        Where the evidence for that lies: by how much its logit would fall without
        it, where classes compete less the mean of all logits, per pixel of the
        prepared picture. Negative where the picture speaks against it.
    """

    prediction: Prediction
    head: Head
    target: NDArray[np.intp]
    heat: NDArray[np.float32]


class Explainer:
    """Finds what in a picture speaks for a class; safe to use from several threads at once.

    Parameters
    ----------
    model : Model
        A loaded bundle.
    head : str, optional
        The head that is explained. Default: the primary classes, or else the first
        that tells something that can be.

    Raises
    ------
    ModelError
        If the network does not pool maps by mean or maximum before its heads.
    ValueError
        If it has no such head, or none that can be explained.
    """

    def __init__(self, model: Model, head: str | None = None) -> None:
        import onnxruntime

        self.model = model
        self.head = _explained(model.heads, head)
        precision = model.choice.precision
        path = model.card.folder / model.card.networks[precision].name
        network = model.card.network(precision)
        foreign = ModelError(
            f"{path}: its answers are not read from maps pooled by mean or maximum; "
            "galedge explain draws such networks only"
        )
        try:
            self._pools = pools(nodes(network))
            heads = cut(network, [pool.name for pool in self._pools], [self.head.output])
        except ValueError as error:
            raise foreign from error
        if not self._pools:
            raise foreign
        self._maps = sorted({pool.map for pool in self._pools})
        more = [*self._maps, *(pool.name for pool in self._pools)]
        self._engine = OnnxRuntimeEngine(add_outputs(network, more), str(path), Setup())
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4  # it would name weights that the heads do not use
        try:
            self._heads: Any = onnxruntime.InferenceSession(
                heads, sess_options=options, providers=["CPUExecutionProvider"]
            )
            size = model.card.recipe.size
            self.explain(np.zeros((1, 3, size, size), np.uint8))
        except Exception as error:  # ONNX Runtime's exceptions share no base of their own
            raise foreign from error

    def explain(
        self, pixels: NDArray[np.uint8], target: NDArray[np.intp] | int | None = None
    ) -> Explanation:
        """Explain prepared images.

        Parameters
        ----------
        pixels : ndarray of uint8, shape (N, 3, S, S)
        target : int or ndarray of int, shape (N,), optional
            Index of the class to explain. Default: the most probable one of each image.

        Returns
        -------
        Explanation
        """
        outputs = self._engine.run(pixels)
        prediction = self.model.decode(outputs)
        if target is None:
            target = self.head.chosen(prediction[self.head.name])
        aim = np.broadcast_to(np.asarray(target, np.intp), len(pixels))
        size = pixels.shape[-1]
        heat = np.empty((len(pixels), size, size), np.float32)
        for i in range(len(pixels)):
            heat[i] = self._heat({name: outputs[name][i] for name in outputs}, int(aim[i]), size)
        return Explanation(prediction, self.head, aim, heat)

    def _heat(self, outputs: dict[str, NDArray[np.float32]], target: int, size: int) -> Any:
        """Return the heat of one picture, from its own maps and pooled tensors."""
        cells = {name: outputs[name][0].size for name in self._maps}
        rows = 1 + sum(cells.values())  # the first is the picture as it is
        pooled = {}
        for pool in self._pools:
            whole = outputs[pool.name]
            values = np.repeat(whole[np.newaxis], rows, axis=0)
            low = 1
            for name in self._maps:
                if name == pool.map:
                    without = _without_a_cell(outputs[name], pool.is_mean)
                    values[low : low + cells[name]] = without.T.reshape(-1, *whole.shape)
                low += cells[name]
            pooled[pool.name] = values
        logits = self._heads.run([self.head.output], pooled)[0]
        score = logits[:, target]
        if self.head.contrast:  # what all classes share decides nothing
            score = score - logits.mean(1)
        heat = np.zeros((size, size), np.float32)
        fall, low = score[0] - score[1:], 0
        for name in self._maps:
            heat += spread(fall[low : low + cells[name]].reshape(outputs[name].shape[1:]), size)
            low += cells[name]
        return heat


def _explained(heads: Heads, name: str | None) -> Head:
    able = [head for head in heads if head.targets]
    if name is None and able:
        return heads.classes or able[0]
    for head in able:
        if head.name == name:
            return head
    names = ", ".join(head.name for head in able) or "none"
    raise ValueError(f"{name!r} is no head that can be explained; of this model: {names}")


def _without_a_cell(map_: NDArray[np.float32], is_mean: bool) -> NDArray[np.float32]:
    """Return what is pooled of a map (C, H, W) with one cell set to zero, shape (C, H * W)."""
    flat = map_.reshape(len(map_), -1)
    without: NDArray[np.float32]
    if is_mean:
        without = flat.mean(1, keepdims=True) - flat / np.float32(flat.shape[1])
    elif flat.shape[1] == 1:
        without = np.zeros_like(flat)
    else:
        runner_up, best = np.partition(flat, -2, axis=1)[:, -2:].T[:, :, np.newaxis]
        without = np.maximum(np.where(flat == best, runner_up, best), 0)
    return without


def spread(cells: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Spread what cells hold over the pixels of the picture, as Gaussians of 0.6 of their stride.

    A stride of two halves a side, rounding up, and a cell's centre is where its
    stride puts it: cell i of a map of stride 8 lies at pixel 8 i, since every
    kernel is odd and padded by half of it. (Stretching the map over the picture
    instead would move it by half a stride.)
    """
    stride = 2 ** round(np.log2(size / cells.shape[0]))
    away = np.arange(size)[:, np.newaxis] / stride - np.arange(cells.shape[0])
    weights = np.exp(-0.5 * (away / 0.6) ** 2)
    weights /= weights.sum(1, keepdims=True)  # beyond the last centre the last cell holds
    spread: NDArray[np.float32] = (weights @ cells @ weights.T / stride**2).astype(np.float32)
    return spread
