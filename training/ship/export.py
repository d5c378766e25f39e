"""Export: a trained network to one ONNX file, uint8 pixels in, what a card promises out."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from galedge.network.engine import start
from training.nets.network import fuse
from training.nets.rounding import Rounded, smooth
from training.words.labels import FEATURES, RULED_OUT, hubble_class
from training.words.types import CLASSES, T_BINS

__all__ = ["OPSET", "Deployed", "agree", "agreement", "export", "write_openvino"]

OPSET = 18
IR_VERSION = 9  # what ONNX Runtime 1.17 reads


class Deployed(nn.Module):
    """The fused network with the input's scale folded into its stem.

    Its answers are made to agree. A disk seen edge-on is no elliptical, so the shares of E
    and of its T are multiplied by the chance that it is none: the network learned its classes
    from near galaxies and its features from distant ones too, where the latter know better.
    And T is distributed among the classes as their own head says, within each as its bins do.

    Parameters
    ----------
    network : Galaxy or Mobile
        Trained, not fused; or trained with rounding, which is left out.
    bias : Tensor, optional
        Added to the class logits (see `training.score.evaluate.fit_bias`).
    blend : float
        How much the T-type head has a say in the class: the weight of the log
        probabilities of its bins, summed by class.
    features : Tensor, optional
        Slope and offset (2, F) of the logits of `training.words.labels.FEATURES` (see
        `training.score.evaluate.fit_logistic`).
    rounds : bool
        Whether a network that was trained with rounding goes on rounding, as its
        int8 file does.
    """

    def __init__(
        self,
        network: nn.Module,
        bias: Tensor | None = None,
        blend: float = 0.0,
        features: Tensor | None = None,
        rounds: bool = False,
    ) -> None:
        super().__init__()
        self.network = fuse(network) if rounds else smooth(fuse(network))[0]
        stem = self.network.stem
        if isinstance(stem, Rounded):
            stem.unit.fill_(1.0)
        convolution = stem.fused[0] if isinstance(stem, Rounded) else stem[0]
        convolution.weight.data *= network.scale / 255
        self.network.scale = 1
        if bias is not None:
            self.network.heads.hubble.bias.data += bias
        told = self.network.heads.attributes
        if told.out_features < len(FEATURES):
            raise ValueError("the network has no outputs for the features; train it again")
        told.weight.data = told.weight.data[-len(FEATURES) :]
        told.bias.data = told.bias.data[-len(FEATURES) :]
        if features is not None:
            told.weight.data *= features[0][:, None]
            told.bias.data = told.bias.data * features[0] + features[1]
        self.blend = blend
        # Plain operators only: every engine of galedge has them.
        against = torch.tensor([[-float(name == "edge_on")] for name in FEATURES])
        self.register_buffer("against", against)
        self.register_buffer("bins", torch.tensor(T_BINS, dtype=torch.float32))
        member = torch.tensor([[float(hubble_class(t) == c) for c in range(7)] for t in T_BINS])
        self.register_buffer("member", member)
        wrong = torch.tensor([float(name in RULED_OUT["edge_on"]) for name in CLASSES])
        self.register_buffer("no_class", wrong)
        self.register_buffer("no_t", member @ wrong)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return logits (N, 7) of the classes, mean and log sigma of T (N, 2), logits (N, F)."""
        features = self.network.features(pixels.float())
        heads = self.network.heads
        seen = heads.attributes(features)
        no_disk = (torch.sigmoid(seen @ self.against) + 1e-9).log()  # of the chance
        p = (heads.t_bins(features) + no_disk * self.no_t).softmax(1)
        shares = p @ self.member + 1e-5
        hubble = heads.hubble(features) + no_disk * self.no_class
        p = p * ((hubble.softmax(1) / shares) @ self.member.T)
        p = p / p.sum(1, keepdim=True)
        mean = (p * self.bins).sum(1, keepdim=True)
        variance = (p * (self.bins - mean) ** 2).sum(1, keepdim=True)
        if self.blend:
            hubble = hubble + self.blend * shares.log()
        t_type = torch.cat([mean, 0.5 * (variance + 0.01).log()], 1)
        return hubble, t_type, seen


def agree(deployed: Deployed, file: Path, pixels: np.ndarray, tolerance: float = 1e-3) -> float:
    """Compare an exported file with its torch module on real pictures.

    Returns
    -------
    float
        The largest difference of any output.

    Raises
    ------
    RuntimeError
        If it is larger than `tolerance`, or a label differs.
    """
    found = start("onnxruntime", file.read_bytes(), str(file)).run(pixels)
    with torch.no_grad():
        wanted = dict(zip(found, deployed(torch.tensor(pixels)), strict=True))
    away = max(float(abs(found[name] - value.numpy()).max()) for name, value in wanted.items())
    labels = (found["hubble"].argmax(1) == wanted["hubble"].numpy().argmax(1)).mean()
    if away > tolerance or labels < 1:
        raise RuntimeError(
            f"{file}: differs from torch by up to {away:.2g}, and in {1 - labels:.1%} of the labels"
        )
    return away


@torch.no_grad()
def agreement(one: Any, other: Any, pixels: np.ndarray, batch: int = 128) -> dict[str, float]:
    """Compare the classes that two networks give to pictures (N, 3, S, S).

    Parameters
    ----------
    one, other : Engine or Deployed
        What answers.

    Returns
    -------
    dict
        ``labels``, the share that is alike, and ``most``, the largest difference
        of a class's probability.
    """
    alike, most = 0, 0.0
    for low in range(0, len(pixels), batch):
        part = np.ascontiguousarray(pixels[low : low + batch])
        logits = [
            one_of(torch.tensor(part))[0]
            if isinstance(one_of, nn.Module)
            else torch.tensor(one_of.run(part)["hubble"])
            for one_of in (one, other)
        ]
        p, q = (each.softmax(1) for each in logits)
        alike += int((p.argmax(1) == q.argmax(1)).sum())
        most = max(most, float((p - q).abs().max()))
    return {"labels": round(alike / len(pixels), 4), "most": round(most, 4)}


def write_openvino(files: list[Path]) -> None:
    """Write each ONNX file as OpenVINO IR beside it: ``.xml`` and ``.bin``, batch size free."""
    import openvino

    for file in files:
        openvino.save_model(openvino.convert_model(file), file.with_suffix(".xml"), False)


def export(
    network: nn.Module,
    path: Path,
    size: int,
    bias: Tensor | None = None,
    blend: float = 0.0,
    features: Tensor | None = None,
) -> Deployed:
    """Write a network as ONNX: batch size free, no data outside the file.

    `bias`, `blend` and `features` are those of `Deployed`.

    Returns
    -------
    Deployed
        The torch module that the file must agree with.
    """
    deployed = Deployed(network.cpu(), bias, blend, features).eval()
    pixels = torch.zeros(2, 3, size, size, dtype=torch.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            deployed,
            (pixels,),
            input_names=["pixels"],
            output_names=["hubble", "t_type", "features"],
            dynamic_shapes={"pixels": {0: torch.export.Dim("N")}},
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    model = program.model_proto
    model.ir_version = IR_VERSION
    del model.metadata_props[:]
    for node in model.graph.node:  # stack traces of the machine that exported
        del node.metadata_props[:]
        node.doc_string = ""
    del model.graph.metadata_props[:]
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output):
        del value.metadata_props[:]
    for value in model.graph.initializer:
        del value.metadata_props[:]
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    return deployed
