"""Morphology: the task of hubble-2, which asks first what a source is, and what volunteers see.

Hubble's classes and T-types are those of `training.words.hubble`; the features are theirs and
those of Galaxy Zoo 2 (`training.data.votes`), which only whoever was asked has told.
"""

from __future__ import annotations

from dataclasses import replace

from training.words.heads import Classes, Labels
from training.words.hubble import ATTRIBUTES, FEATURES, HUBBLE, features
from training.words.task import Task

__all__ = ["GIVEN", "KINDS", "LABELS", "MORPHOLOGY", "labels"]

KINDS = ("galaxy", "star", "artefact")
LABELS = {
    "smooth": "it looks smooth, without a disc or features",
    "edge_on": "it is a disc seen edge-on",
    "bar": "of a bar, if it is a disc not seen edge-on",
    "arms": "of spiral arms, if it is a disc not seen edge-on",
    "clockwise": "that arms wind clockwise, as viewers show the image",
    "bulge_none": "of no bulge, if it is a disc not seen edge-on",
    "bulge_just": "of a bulge that is just noticeable, likewise",
    "bulge_obvious": "of an obvious bulge, likewise",
    "bulge_dominant": "of a dominant bulge, likewise",
    "round": "it is round, if it is smooth",
    "between": "it is in between round and cigar-shaped, if it is smooth",
    "cigar": "it is cigar-shaped, if it is smooth",
    "arms_tight": "arms are tightly wound, if there are any",
    "arms_medium": "arms are wound neither tightly nor loosely, if there are any",
    "arms_loose": "arms are loosely wound, if there are any",
    "arms_one": "of one arm, if there are any",
    "arms_two": "of two arms, if there are any",
    "arms_three": "of three arms, if there are any",
    "arms_four": "of four arms, if there are any",
    "arms_more": "of more than four arms, if there are any",
    "ring": "of a ring",
    "disturbed": "that the galaxy is disturbed or merging",
    "irregular": "that it is irregular",
    "merger": "that it is merging",
    "dust_lane": "of a dust lane",
}
_DISC, _ARMS = ("not edge_on",), ("arms",)
GIVEN = {
    "edge_on": ("not smooth",),
    **dict.fromkeys(("bar", "arms"), _DISC),
    **{name: _DISC for name in LABELS if name.startswith("bulge_")},
    **dict.fromkeys(("round", "between", "cigar"), ("smooth",)),
    **{name: _ARMS for name in LABELS if name.startswith("arms_")},
    "clockwise": _ARMS,
}
"""What volunteers had to have answered to be asked of a label (`training.data.votes.QUESTIONS`)."""


def labels(row: dict[str, str]) -> list[float]:
    """Return what a catalogue's row says of `LABELS`, 0 to 1, NaN where it says nothing.

    What is told under a label's own name, as votes are, counts; else what the classes and
    attributes of EFIGI, OpenNGC and Galaxy Zoo 1 say of it.
    """
    told = dict.fromkeys(LABELS, float("nan"))
    told |= dict(zip(FEATURES, features(row), strict=True))
    rings = [float(row.get(name) or -1) for name in ("inner_ring", "outer_ring", "pseudo_ring")]
    if min(rings) >= 0:
        told["ring"] = min(1.0, 2 * max(rings))  # a quarter of EFIGI's scale is a faint one
    stage = float(row.get("t_type") or "nan")
    if stage == stage:
        told["irregular"] = float(stage >= 9)
        if stage <= -4:
            told["smooth"] = 1.0
        elif told["arms"] >= 1 or told["edge_on"] >= 1:
            told["smooth"] = 0.0
    code = row.get("code")
    if code in ("0", "1", "2", "3", "5"):
        told["merger"] = float(code == "5")
    for name in LABELS:
        if row.get(name):
            told[name] = float(row[name])
    return list(told.values())


_KIND = Classes(
    name="kind",
    names=KINDS,
    values={"": "galaxy"},  # catalogues of galaxies do not say so
    weight=1.0,
    taught=False,
    optional=True,
    description="what the source is",
    subject="galaxy",
    flags={"star": "point_like"},
)


def _heads() -> tuple[Classes | Labels, ...]:
    hubble, t_type, about = HUBBLE.heads
    assert isinstance(about, Labels)
    about = replace(
        about,
        names=tuple(LABELS),
        beside=ATTRIBUTES,
        rule="morphology",
        weights={name: f"{name}_asked" for name in LABELS},
        descriptions={name: f"probability {text}" for name, text in LABELS.items()},
        denies=(),
        given=GIVEN,
    )
    # Sets that tell of other heads, as Galaxy Zoo does, are learned from beside those that do.
    typed = (replace(head, optional=True) for head in (hubble, t_type))
    return (*typed, _KIND, about)  # type: ignore[return-value]


MORPHOLOGY = Task(
    name="morphology",
    heads=_heads(),
    data="SDSS pictures of EFIGI, OpenNGC and Galaxy Zoo, through simulated cameras",
    credits=(
        *HUBBLE.credits[:4],
        "Votes: Galaxy Zoo 1 and 2, Lintott et al. 2008, 2011; Willett et al. 2013",
    ),
    limits=(
        "Learned from galaxies of SDSS, through simulated cameras: a real one may differ from all.",
        "Linear images in training were made from 8-bit pictures by an approximate inverse of "
        "their stretch; what was clipped there stays so.",
        "EFIGI and OpenNGC, the two catalogues it learned classes from, differ by 1.9 in T (RMS) "
        "where both type a galaxy.",
        "Dwarf ellipticals (T = 11) were left out: they get one of the seven classes.",
        "Of sources hardly wider than the seeing it takes about one galaxy in six for a star and "
        "one star in six for a galaxy; in frames the frame's own stars decide.",
    ),
    licence=HUBBLE.licence,
)
"""What hubble-2 learns; `--task morphology` names it."""
