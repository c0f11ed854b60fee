"""Sphinx's settings: the repository's Markdown pages, and the reference from docstrings.

The source directory is the repository itself, so that a link from one Markdown file to another,
wherever they are, leads to the same place on a forge's web page and on the site.

`make docs` runs it so that every warning is an error. Nothing here needs a network.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))
# Airflow is imported for the sake of the docstrings, and writes a configuration into its home.
os.environ["AIRFLOW_HOME"] = str(REPOSITORY / "build" / "docs" / "airflow")
# It says at the level INFO where it is at home, which is of no interest here.
logging.getLogger("airflow").setLevel(logging.WARNING)

from airflow_provider_oms import __version__  # noqa: E402 - found by the path set above

project = "airflow-provider-oms"
release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc"]
root_doc = "docs/index"
include_patterns = ["*.md", "docs/**.md", "decisions/**.md"]
# Where Sphinx need not look for pages at all.
exclude_patterns = [".*", "airflow_provider_oms", "build", "dist", "tests"]

html_theme = "furo"
html_title = f"{project} {release}"
html_show_copyright = False
# The site's own first page is docs/index.html.
html_extra_path = ["redirect"]

# Every heading has the anchor that a forge's web page gives it.
myst_heading_anchors = 4

autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
# Airflow's, pydantic's and Python's own names: their inventories are on the network.
nitpick_ignore_regex = [("py:.*", r"(?!airflow_provider_oms\b).*")]

linkcheck_timeout = 15

# In the table of contents, and not written yet.
LATER = {
    "compatibility",
    "deployment",
    "guarantees",
    "patterns",
    "security",
    "troubleshooting",
    "/CONTRIBUTING",
    "/SECURITY",
    "/decisions/*",
}


def leave_out_what_is_not_written(_: Sphinx, docname: str, source: list[str]) -> None:
    """Take the names of such pages out of the table of contents.

    :param docname: the page that was read.
    :param source: its text, to be replaced.
    """
    if docname != root_doc:
        return
    for name in LATER:
        under = REPOSITORY if name.startswith("/") else REPOSITORY / "docs"
        if not list(under.glob(f"{name.lstrip('/')}.md")):
            source[0] = re.sub(rf"^{re.escape(name)}\n", "", source[0], flags=re.MULTILINE)


def setup(app: Sphinx) -> None:
    """Connect the function above.

    :param app: Sphinx.
    """
    app.connect("source-read", leave_out_what_is_not_written)
