"""The documentation site: sphinx-build -W --keep-going -n -c docs . build/site.

Sources are the repository's own pages where they stand, so that a link between two of them
leads to the same place here, on the site and wherever the repository is shown. Nothing is
fetched while it is built, and nothing when it is read: the theme brings its files.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs")]

from galedge._version import __version__  # noqa: E402

project = "galedge"
author = "The galedge developers"
copyright = author
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
    "website",
]

root_doc = "docs/index"
include_patterns = [
    "docs/*.md",
    "docs/reference/*.md",
    "docs/tutorials/*.md",
    "training/README.md",
    "training/RESULTS.md",
    "training/LOG.md",
    "benchmarks/README.md",
    "examples/*.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
]
exclude_patterns = ["build", ".*", "work", "**/node_modules"]

# Anchors are made of titles as GitHub makes them; tests/docs/test_pages.py reads them so too.
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]
smartquotes = False  # options begin with two dashes
suppress_warnings = ["myst.header"]  # a page may begin below the first level, or leave one out

# Between single quotes docstrings have names: of parameters, of functions, of columns.
default_role = "literal"
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
napoleon_google_docstring = False
napoleon_use_rtype = napoleon_use_param = False
napoleon_use_ivar = True
python_use_unqualified_type_names = True
# What other packages define is named and not linked: their indices are on the network. A
# build that may fetch them says so.
if os.environ.get("GALEDGE_DOCS_LINKS"):
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = {
        "python": ("https://docs.python.org/3", None),
        "numpy": ("https://numpy.org/doc/stable", None),
    }
# Not public: what a bundle's folder becomes when it is loaded.
nitpick_ignore = [("py:class", "galedge.network.model.Model")]
# Of prose between types, such as "of uint8, shape (N, 3)", napoleon makes names, too.
nitpick_ignore_regex = [("py:.*", r"(?!galedge\.).*")]

html_theme = "pydata_sphinx_theme"
html_title = "galedge"
html_static_path = ["_static"]
html_css_files = ["galedge.css"]
html_copy_source = False
html_show_sourcelink = False
html_extra_path = ["_static/index.html"]
html_context = {"default_mode": "auto"}
html_sidebars: dict[str, list[str]] = {"docs/index": [], "docs/install": []}
html_theme_options = {
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "navbar_end": ["theme-switcher"],
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": False,
}
