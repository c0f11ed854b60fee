"""`make docs`: the site is built without a warning, and a link that leads nowhere is one."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from pages import REPOSITORY, text_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.needs("the environment that the docs are built in"),
    pytest.mark.timeout(600),
]


def build(source: Path, target: Path) -> subprocess.CompletedProcess[str]:
    (options,) = re.findall(r"^SPHINX = (.*)$", text_of("Makefile"), re.MULTILINE)
    command = [sys.executable, "-m", "sphinx", *options.split(), "-c", str(source / "docs")]
    return subprocess.run(
        [*command, str(source), str(target)], capture_output=True, text=True, check=False
    )


def test_it_is_built_without_a_warning(tmp_path: Path) -> None:
    done = build(REPOSITORY, tmp_path / "html")
    assert (done.returncode, done.stderr) == (0, "")
    for page in ("index", "docs/index", "docs/quickstart", "docs/reference/operators", "README"):
        assert (tmp_path / "html" / f"{page}.html").is_file()
    reference = (tmp_path / "html" / "docs" / "reference" / "operators.html").read_text("utf-8")
    assert "OmsCancelOrderOperator" in reference
    assert "an integer from 1, or a string of digits" in reference
    start = (tmp_path / "html" / "docs" / "index.html").read_text("utf-8")
    for part in ("copybutton.js", "phone.css", "OmsBulkCancelOrdersOperator", "orders-page.png"):
        assert part in start


def test_a_link_or_a_page_that_hangs_in_the_air_fails(tmp_path: Path) -> None:
    source = tmp_path / "source"
    pages = {
        "docs/index.md": "# Index\n\n```{toctree}\n../README\n```",
        "README.md": "# Readme\n\n[there](docs/index.md#index) [gone](docs/index.md#nowhere)",
        "docs/orphan.md": "# A page that no table of contents has",
    }
    for name in ("docs/conf.py", "docs/_static", "docs/redirect", "airflow_provider_oms"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).symlink_to(REPOSITORY / name)
    for page, text in pages.items():
        (source / page).write_text(text, encoding="utf-8")
    done = build(source, tmp_path / "html")
    assert done.returncode != 0
    assert len(done.stderr.strip().splitlines()) == 2, done.stderr
    assert re.search(r"README\.md.*nowhere", done.stderr)
    assert re.search(r"orphan\.md.*toctree", done.stderr)
