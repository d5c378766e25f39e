"""Galaxies to answers: the classifier, its results, and measured structure."""
