"""Votes: what volunteers of Galaxy Zoo 2 said, as the labels that are learned from them.

The challenge's values are shares of all volunteers, multiplied down the tree of questions
(Willett et al. 2013, MNRAS 435, 2835): what a question was answered is its value over that of
the answer that led to it, and counts by how many were asked. A column that is missing says
nothing; only whoever was asked may say no.

Questions that everybody was asked at some point (is there anything odd?) are kept as shares of
all: to see no ring is to say that there is none.
"""

from __future__ import annotations

__all__ = ["ASKED", "LABELS", "told"]

Row = dict[str, str]

ASKED = "_asked"
"""Ends the name of the column that says which share of the volunteers was asked of a label."""

# Label: the answers that count as yes, and the answers that led to the question.
QUESTIONS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "smooth": (("1.1",), ("1.1", "1.2")),  # but for those who saw a star or an artefact
    "edge_on": (("2.1",), ("1.2",)),
    "bar": (("3.1",), ("2.2",)),
    "arms": (("4.1",), ("2.2",)),
    "bulge_none": (("5.1",), ("2.2",)),
    "bulge_just": (("5.2",), ("2.2",)),
    "bulge_obvious": (("5.3",), ("2.2",)),
    "bulge_dominant": (("5.4",), ("2.2",)),
    "round": (("7.1",), ("1.1",)),
    "between": (("7.2",), ("1.1",)),
    "cigar": (("7.3",), ("1.1",)),
    "arms_tight": (("10.1",), ("4.1",)),
    "arms_medium": (("10.2",), ("4.1",)),
    "arms_loose": (("10.3",), ("4.1",)),
    "arms_one": (("11.1",), ("4.1",)),
    "arms_two": (("11.2",), ("4.1",)),
    "arms_three": (("11.3",), ("4.1",)),
    "arms_four": (("11.4",), ("4.1",)),
    "arms_more": (("11.5",), ("4.1",)),
    "ring": (("8.1",), ()),
    "disturbed": (("8.3", "8.6"), ()),  # disturbed or merging
    "irregular": (("8.4",), ()),
    "merger": (("8.6",), ()),
    "dust_lane": (("8.7",), ()),
}
LABELS = tuple(QUESTIONS)

# What is as good as told of pictures with a sure class and no votes.
CLEAN: dict[str, dict[str, float]] = {
    "round": {"smooth": 1, "round": 1, "between": 0, "cigar": 0, "arms": 0, "edge_on": 0},
    "in_between": {"smooth": 1, "round": 0, "between": 1, "cigar": 0, "arms": 0, "edge_on": 0},
    "cigar": {"smooth": 1, "round": 0, "between": 0, "cigar": 1, "arms": 0, "edge_on": 0},
    "edge_on": {"smooth": 0, "edge_on": 1},
    "spiral": {"smooth": 0, "edge_on": 0, "arms": 1},
}
FEWEST = 0.1  # of the volunteers; what fewer were asked is not worth learning


def told(row: Row) -> Row:
    """Return columns of labels, 0 to 1, and of how many were asked, empty where nothing is known.

    Parameters
    ----------
    row : dict
        With the challenge's columns ``Class1.1`` to ``Class11.6``, or a class in ``clean5``.
    """

    def share(answers: tuple[str, ...]) -> float | None:
        values = [row.get(f"Class{answer}") for answer in answers]
        return sum(map(float, values)) if all(values) else None

    found = dict.fromkeys([*LABELS, *(f"{label}{ASKED}" for label in LABELS)], "")
    for label, (yes, before) in QUESTIONS.items():
        said, asked = share(yes), share(before) if before else 1.0
        if said is None or asked is None or asked < FEWEST:
            continue
        found[label] = f"{min(said / asked, 1.0):.4f}"
        found[f"{label}{ASKED}"] = f"{min(asked, 1.0):.4f}"
    for label, value in CLEAN.get(row.get("clean5") or "", {}).items():
        if not found[label]:
            found[label], found[f"{label}{ASKED}"] = str(value), "1"
    return found
