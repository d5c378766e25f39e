"""Rows to files and back: columns, formats, galleries, and other people's tables."""
