"""Labels: what a catalogue's row says of a galaxy, as the network's heads count it."""

from __future__ import annotations

import numpy as np

from training.words.types import T_BINS

__all__ = ["ATTRIBUTES", "FEATURES", "RULED_OUT", "features", "hubble_class"]

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
# The classes that a feature rules out.
RULED_OUT = {"arms": ("E", "S0"), "edge_on": ("E",)}
LAST_T = (-4, -1, 2, 4, 6, 8, 10)  # of E, S0, Sa, Sb, Sc, Sd, Irr


def hubble_class(t: float) -> int:
    """Return the class of a T-type: 0 E .. 6 Irr, or -1 outside the sequence."""
    if not T_BINS[0] <= round(t) <= T_BINS[-1]:
        return -1
    return next(i for i, last in enumerate(LAST_T) if round(t) <= last)


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
