"""The Hubble sequence as training counts it: classes, and bins of the T-type."""

__all__ = ["CLASSES", "T_BINS"]

CLASSES = ("E", "S0", "Sa", "Sb", "Sc", "Sd", "Irr")
T_BINS = tuple(range(-6, 11))
