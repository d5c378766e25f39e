"""Export: a trained network to one ONNX file, uint8 pixels in, what a card promises out."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from galedge.network.engine import start
from training.nets.network import Compact, fuse
from training.words.heads import Classes, Labels, Quantity
from training.words.task import Task

__all__ = [
    "OPSET",
    "Corrections",
    "Deployed",
    "agree",
    "export",
    "write_openvino",
]

OPSET = 18
IR_VERSION = 9  # what ONNX Runtime 1.17 reads


@dataclass(frozen=True)
class Corrections:
    """What is fitted to a network's answers and built into its file.

    Attributes
    ----------
    bias : dict
        By head of classes what is added to its logits (C,), see `training.score.fits.fit_bias`.
    slopes : dict
        By head of labels slope and offset (2, L) of its logits, see `fit_logistic`.
    blend : float
        How much a quantity has a say in the classes that are parts of it: the weight of the
        log probabilities of its bins, summed by class.
    """

    bias: dict[str, Tensor] = field(default_factory=dict)
    slopes: dict[str, Tensor] = field(default_factory=dict)
    blend: float = 0.0


class Deployed(nn.Module):
    """The fused network with the input's scale folded into its stem.

    Its answers are made to agree. What a label denies (`training.words.heads.Labels.denies`),
    as that a disk seen edge-on is elliptical, is multiplied by the chance that the label is not
    there, and so are the bins of those classes. And a quantity is distributed among the classes
    that are parts of it as their own head says, within each as its bins do.

    Parameters
    ----------
    network : Compact or Galaxy
        Trained, not fused.
    task : Task
        That it was trained for.
    corrections : Corrections
    """

    def __init__(
        self, network: nn.Module, task: Task, corrections: Corrections = Corrections()
    ) -> None:
        super().__init__()
        self.network = fuse(network)
        self.network.stem[0].weight.data *= network.scale / 255
        self.network.scale = 1
        self.task, self.blend = task, corrections.blend
        self.outputs = (*(head.output for head in task.heads), "pooled")
        layers = self.network.heads.named()
        for head in task.every(Classes):
            if head.name in corrections.bias:
                layers[head.layer].bias.data += corrections.bias[head.name]
        for head in task.every(Labels):
            told = layers[head.layer]
            told.weight.data = told.weight.data[-len(head.names) :]
            told.bias.data = told.bias.data[-len(head.names) :]
            if head.name in corrections.slopes:
                slope, offset = corrections.slopes[head.name]
                told.weight.data *= slope[:, None]
                told.bias.data = told.bias.data * slope + offset
        self._tables()

    def _tables(self) -> None:
        """Register which bins are whose, and what denies what; plain operators read them."""

        def table(name: str, values: object) -> None:
            self.register_buffer(name, torch.tensor(values, dtype=torch.float32))

        for quantity in self.task.every(Quantity):
            table(f"bins_{quantity.name}", quantity.centres.tolist())
            if quantity.name in self.parts:
                head = self.parts[quantity.name]
                classes = [head.of_value(value) for value in quantity.centres]
                member = [[float(c == one) for c in range(head.width)] for one in classes]
                table(f"member_{quantity.name}", member)
        for labels in self.task.every(Labels):
            for name in labels.denies:
                names = self.task.classes.names if self.task.classes else ()
                against = [[-float(name == other)] for other in labels.names]
                wrong = [float(other in labels.excludes[name]) for other in names]
                table(f"against_{labels.name}_{name}", against)
                table(f"wrong_{labels.name}_{name}", wrong)

    @property
    def parts(self) -> dict[str, Classes]:
        """The classes among which a quantity is distributed, by its name: the first that are."""
        found: dict[str, Classes] = {}
        for head in self.task.every(Classes):
            quantity = self.task.binned(head)
            if quantity is not None:
                found.setdefault(quantity.name, head)
        return found

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """Return logits (classes, labels), mean and log sigma (quantities), and features."""
        if isinstance(self.network, Compact):  # bytes are folded as they are
            pooled = self.network.pooled(self.network.fold(pixels).float())
        else:
            pooled = self.network.features(pixels.float())
        logits = self.network.heads(pooled)
        said = {head.name: logits[head.layer] for head in self.task.heads}
        first, parts = self.task.classes, self.parts
        for labels in self.task.every(Labels):
            for name in labels.denies:
                against = getattr(self, f"against_{labels.name}_{name}")
                wrong = getattr(self, f"wrong_{labels.name}_{name}")
                absent = (torch.sigmoid(said[labels.name] @ against) + 1e-9).log()
                said[first.name] = said[first.name] + absent * wrong
                for quantity in (name for name, head in parts.items() if head is first):
                    denied = getattr(self, f"member_{quantity}") @ wrong
                    said[quantity] = said[quantity] + absent * denied
        for quantity in self.task.every(Quantity):
            bins = getattr(self, f"bins_{quantity.name}")
            p = said[quantity.name].softmax(1)
            if quantity.name in parts:
                head, member = parts[quantity.name], getattr(self, f"member_{quantity.name}")
                shares = p @ member + 1e-5
                p = p * ((said[head.name].softmax(1) / shares) @ member.T)
                p = p / p.sum(1, keepdim=True)
                if self.blend:
                    said[head.name] = said[head.name] + self.blend * shares.log()
            mean = (p * bins).sum(1, keepdim=True)
            variance = (p * (bins - mean) ** 2).sum(1, keepdim=True)
            least = 0.01 * quantity.step**2
            said[quantity.name] = torch.cat([mean, 0.5 * (variance + least).log()], 1)
        return (*(said[head.name] for head in self.task.heads), pooled)


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
        values = (value.numpy() for value in deployed(torch.tensor(pixels)))
        wanted = dict(zip(deployed.outputs, values, strict=True))
    most = {"pooled": max(1.0, float(abs(wanted["pooled"]).max()))}  # features know no scale
    away = max(
        float(abs(found[name] - value).max()) / most.get(name, 1.0)
        for name, value in wanted.items()
    )
    classes = [head.output for head in deployed.task.every(Classes)]
    same = [(found[name].argmax(1) == wanted[name].argmax(1)).mean() for name in classes]
    labels = min(same, default=1.0)
    if away > tolerance or labels < 1:
        raise RuntimeError(
            f"{file}: differs from torch by up to {away:.2g}, and in {1 - labels:.1%} of the labels"
        )
    return away


def write_openvino(files: list[Path]) -> None:
    """Write each ONNX file as OpenVINO IR beside it: ``.xml`` and ``.bin``, batch size free."""
    import openvino

    for file in files:
        openvino.save_model(openvino.convert_model(file), file.with_suffix(".xml"), False)


def export(
    network: nn.Module,
    task: Task,
    path: Path,
    size: int,
    corrections: Corrections = Corrections(),
) -> Deployed:
    """Write a network as ONNX: batch size free, no data outside the file.

    `task` and `corrections` are those of `Deployed`.

    Returns
    -------
    Deployed
        The torch module that the file must agree with.
    """
    deployed = Deployed(network.cpu(), task, corrections).eval()
    pixels = torch.zeros(2, 3, size, size, dtype=torch.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            deployed,
            (pixels,),
            input_names=["pixels"],
            output_names=list(deployed.outputs),
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
