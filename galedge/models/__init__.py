"""The shipped model bundles, one folder each."""
