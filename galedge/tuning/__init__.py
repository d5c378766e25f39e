"""Tuning: a user's own question, learned from a few hundred labels on a frozen network."""
