"""Sphinx's settings: the repository's Markdown pages, and the reference from docstrings.

The source directory is the repository itself, so that a link from one Markdown file to another,
wherever they are, leads to the same place on a forge's web page and on the site.

`make docs` runs it so that every warning is an error. Nothing here needs a network.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))
# Airflow is imported for the sake of the docstrings, and writes a configuration into its home.
os.environ["AIRFLOW_HOME"] = str(REPOSITORY / "build" / "docs" / "airflow")
# At the level INFO it logs its home, which is of no interest here.
logging.getLogger("airflow").setLevel(logging.WARNING)

from airflow_provider_oms import __version__  # noqa: E402 - found by the path set above

project = "airflow-provider-oms"
release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_copybutton"]
root_doc = "docs/index"
include_patterns = ["*.md", "docs/**.md", "decisions/**.md"]
# Where Sphinx need not look for pages at all.
exclude_patterns = [".*", "airflow_provider_oms", "build", "dist", "tests"]

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["phone.css"]
html_title = f"{project} {release}"
html_show_copyright = False
# The site's own first page is docs/index.html.
html_extra_path = ["redirect"]

# A prompt and the output of a command are not copied.
copybutton_prompt_text = "$ "

# Every heading has the anchor that a forge's web page gives it.
myst_heading_anchors = 4

autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
# Airflow's, pydantic's and Python's own names: their inventories are on the network.
nitpick_ignore_regex = [("py:.*", r"(?!airflow_provider_oms\b).*")]

linkcheck_timeout = 15
