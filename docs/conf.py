"""Sphinx's configuration. `make docs` builds a copy of this folder, to which tools/write_site.py
has added the pages that are made from the catalogue."""

import runpy
from pathlib import Path

project = "fastact"
author = "The fastact developers"
copyright = author
version = release = runpy.run_path(str(Path(__file__).parent / "_version.py"))["__version__"]

extensions = ["myst_parser", "sphinx.ext.doctest"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
default_role = "code"
nitpicky = False
add_module_names = False
suppress_warnings: list[str] = []
exclude_patterns: list[str] = []
doctest_global_setup = "import numpy as np\nimport fastact as fa"

html_theme = "furo"
html_title = "fastact"
html_static_path = ["_static"]
html_css_files = ["fastact.css"]
html_favicon = "_static/favicon.svg"
html_copy_source = False
html_show_sphinx = False
html_theme_options = {"navigation_with_keys": True}
pygments_style = "friendly"
pygments_dark_style = "github-dark"
