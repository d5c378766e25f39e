"""Runs that must survive: journals, watched folders, quarantine, clusters and streams."""
