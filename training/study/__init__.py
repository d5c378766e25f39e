"""Comparisons: variants of a training, and other methods on the same split."""
