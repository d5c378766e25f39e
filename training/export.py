"""Export: a trained network to one ONNX file, uint8 pixels in, what a card promises out."""

from __future__ import annotations

import warnings
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from training.network import T_BINS, Galaxy, fuse

__all__ = ["OPSET", "Deployed", "export"]

OPSET = 18
IR_VERSION = 9  # what ONNX Runtime 1.17 reads


class Deployed(nn.Module):
    """The fused network with the input's scale folded into its stem.

    Parameters
    ----------
    network : Galaxy
        Trained, not fused.
    bias : Tensor, optional
        Added to the class logits (see `training.evaluate.fit_bias`).
    """

    def __init__(self, network: Galaxy, bias: Tensor | None = None) -> None:
        super().__init__()
        self.network = fuse(network)
        stem = self.network.stem[0]
        stem.weight.data *= network.scale / 255
        self.network.scale = 1
        if bias is not None:
            self.network.heads.hubble.bias.data += bias
        self.register_buffer("bins", torch.tensor(T_BINS, dtype=torch.float32))

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Return class logits (N, 7), and mean and log sigma of T (N, 2)."""
        features = self.network.features(pixels.float())
        heads = self.network.heads
        p = heads.t_bins(features).softmax(1)
        mean = (p * self.bins).sum(1, keepdim=True)
        variance = (p * (self.bins - mean) ** 2).sum(1, keepdim=True)
        return heads.hubble(features), torch.cat([mean, 0.5 * (variance + 0.01).log()], 1)


def export(network: Galaxy, path: Path, size: int, bias: Tensor | None = None) -> Deployed:
    """Write a network as ONNX: batch size free, no data outside the file.

    Returns
    -------
    Deployed
        The torch module that the file must agree with.
    """
    deployed = Deployed(network.cpu(), bias).eval()
    pixels = torch.zeros(2, 3, size, size, dtype=torch.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            deployed,
            (pixels,),
            input_names=["pixels"],
            output_names=["hubble", "t_type"],
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
