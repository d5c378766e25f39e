"""Losses: Hubble's are what they were before tasks were data, and other heads count alike."""

import numpy as np
import pytest
import torch

from training.fit.config import Config
from training.fit.losses import Targets, class_losses, losses
from training.words.heads import Classes, Labels, Quantity
from training.words.hubble import HUBBLE
from training.words.task import Task

NAN = float("nan")


def hubble_batch():
    """Return outputs and targets of twelve pictures, some of them unknown or untaught."""
    dice = torch.Generator().manual_seed(5)

    def drawn(*shape):
        return torch.randn(*shape, generator=dice)

    widths = {"hubble": 7, "t_bins": 17, "attributes": 18, "hints": 4}
    outputs = {name: drawn(12, width) for name, width in widths.items()}
    label = torch.tensor([0, 1, 2, 3, 4, 5, 6, -1, -1, 2, -1, 0])
    shares = torch.nn.functional.one_hot(label.clamp(min=0), 7).float()
    shares[label < 0] = NAN
    t = torch.tensor([-5, -2, 1, 3, 5, 7, 10, NAN, NAN, 0, NAN, -4.0])
    sigma = torch.tensor([0.5] * 4 + [0.8] * 8)
    sigma[label < 0] = NAN
    told = torch.rand(12, 18, generator=dice)
    told[torch.rand(12, 18, generator=dice) < 0.4] = NAN
    taught = {"hubble": drawn(12, 7).softmax(1), "t_bins": drawn(12, 17).softmax(1)}
    for said in taught.values():
        said[3:5] = NAN
    all_told = {"hubble": shares, "t_type": torch.stack([t, sigma], 1), "features": told}
    return outputs, Targets(all_told, taught, drawn(12, 4))


# Of the code that knew Hubble's task alone, at commit c26d92f.
BEFORE = {
    ("logit", 0.0, 0.0): 3.495297908782959,
    ("logit", 0.6, 0.0): 4.251803398132324,
    ("logit", 0.7, 1.0): 5.669556140899658,
    ("even", 0.0, 0.0): 3.4527902603149414,
    ("even", 0.6, 0.0): 4.234800338745117,
    ("even", 0.7, 1.0): 5.656803607940674,
    ("focal", 0.0, 0.0): 3.113520622253418,
    ("focal", 0.6, 0.0): 4.099092483520508,
    ("focal", 0.7, 1.0): 5.555022716522217,
}


@pytest.mark.parametrize(("imbalance", "distil", "hints"), list(BEFORE))
def test_hubbles_losses_are_what_they_were(imbalance, distil, hints):
    outputs, target = hubble_batch()
    config = Config(imbalance=imbalance, tau=0.7, distil=distil, hints=hints, attributes=0.6)
    counts = np.repeat(np.arange(7), [40, 30, 20, 20, 10, 5, 9])
    hard = class_losses(HUBBLE, {"hubble": np.eye(7)[counts]}, config)
    found = float(losses(HUBBLE, outputs, target, hard, config))
    assert found == pytest.approx(BEFORE[imbalance, distil, hints], rel=1e-6)


def nothing(number, task, hints=0):
    """Return targets that tell nothing."""
    width = {head.name: 2 if head.kind == "quantity" else head.width for head in task.heads}
    told = {name: torch.full((number, n), NAN) for name, n in width.items()}
    taught = {head.layer: torch.full((number, head.width), NAN) for head in task.heads}
    return Targets(told, taught, torch.full((number, hints), NAN))


def loss_of(task, outputs, target, **options):
    config = Config(imbalance="none", smoothing=0.0, **options)
    several = {head.name: np.eye(head.width) for head in task.every(Classes)}
    hard = class_losses(task, several, config)
    return float(losses(task, outputs, target, hard, config))


OTHER = Task(
    name="other",
    heads=(
        Classes(name="kind", names=("a", "b", "c"), weight=2.0),
        Labels(name="marks", names=("x", "y")),
        Quantity(name="size", range=(0, 10), bins=11),
    ),
)


def test_each_head_counts_by_its_weight_and_by_what_is_told_of_it():
    outputs = {name: torch.zeros(4, width) for name, width in OTHER.layers.items()}
    target = nothing(4, OTHER)
    assert loss_of(OTHER, outputs, target) == 0
    target.told["kind"][1] = torch.tensor([0.0, 1, 0])
    assert loss_of(OTHER, outputs, target) == pytest.approx(2 * np.log(3) / 4)
    target.told["marks"][2, 1] = 1.0
    both = 2 * np.log(3) / 4 + 0.3 * np.log(2) / 4
    assert loss_of(OTHER, outputs, target, attributes=0.3) == pytest.approx(both)
    assert loss_of(OTHER, outputs, target, attributes=0.0) == pytest.approx(2 * np.log(3) / 4)


def test_a_teacher_is_learned_by_every_head_that_is_taught():
    outputs = {name: torch.zeros(2, width) for name, width in OTHER.layers.items()}
    target = nothing(2, OTHER)
    target.taught["kind_classes"][:] = torch.tensor([0.5, 0.25, 0.25])
    target.taught["marks_labels"][:] = 0.5
    wanted = 2 * np.log(3) + 0.3 * 2 * np.log(2)
    assert loss_of(OTHER, outputs, target, distil=0.5) == pytest.approx(wanted)
    assert loss_of(OTHER, outputs, target, distil=0.0) == 0
    target.told["kind"][:] = torch.tensor([1.0, 0, 0])  # what is known shares its place
    assert loss_of(OTHER, outputs, target, distil=0.5) == pytest.approx(wanted)
    assert loss_of(OTHER, outputs, target, distil=0.0) == pytest.approx(2 * np.log(3))


def test_smoothing_goes_to_neighbours_only_in_a_sequence():
    logits = torch.tensor([[5.0, 0.0, 0.0, -5.0]])
    label = torch.tensor([[1.0, 0, 0, 0]])
    found = {}
    for ordered in (True, False):
        head = Classes(name="kind", names=("a", "b", "c", "d"), ordered=ordered)
        task = Task(name="made", heads=(head,))
        config = Config(imbalance="none", smoothing=0.3)
        found[ordered] = float(
            class_losses(task, {"kind": np.eye(4)}, config)["kind"](logits, label)
        )
    p = torch.log_softmax(logits, 1)[0]
    assert found[True] == pytest.approx(float(-(0.7 * p[0] + 0.3 * p[1])))
    assert found[False] == pytest.approx(float(-(0.7 * p[0] + 0.1 * p[1:].sum())))


def test_shares_of_votes_are_learned_as_they_are():
    task = Task(name="made", heads=(Classes(name="kind", names=("a", "b", "c")),))
    logits = torch.tensor([[1.0, 0.0, -1.0]])
    shares = torch.tensor([[0.6, 0.3, 0.1]])
    hard = class_losses(task, {"kind": np.eye(3)}, Config(imbalance="none", smoothing=0.3))["kind"]
    wanted = -(shares * torch.log_softmax(logits, 1)).sum()
    assert float(hard(logits, shares)) == pytest.approx(float(wanted))
