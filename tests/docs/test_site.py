"""`make docs`: the site is built without a warning, and a link that leads nowhere is one."""

from __future__ import annotations

import re
import shutil
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


@pytest.mark.parametrize(
    ("page", "broken"),
    [
        ("README.md", "[gone](docs/connection.md#nowhere)"),
        ("docs/orphan.md", "# A page that no table of contents has"),
    ],
)
def test_a_link_or_a_page_that_hangs_in_the_air_fails(
    tmp_path: Path, page: str, broken: str
) -> None:
    source = tmp_path / "source"
    shutil.copytree(REPOSITORY / "docs", source / "docs")
    for name in ("airflow_provider_oms", "example_dags", "tests"):
        (source / name).symlink_to(REPOSITORY / name)
    for path in REPOSITORY.glob("*.md"):
        shutil.copy(path, source)
    with (source / page).open("a", encoding="utf-8") as text:
        text.write(f"\n{broken}\n")
    # The docstrings are read by the test above; they take most of the time.
    for reference in (source / "docs" / "reference").glob("*.md"):
        reference.unlink()
    index = source / "docs" / "index.md"
    index.write_text(index.read_text("utf-8").replace("reference/index\n", ""), encoding="utf-8")
    for each in [source / "README.md", *(source / "docs").glob("*.md")]:
        text_without = re.sub(
            r"\]\([^)]*reference/\w+\.md\)", "](https://e.org)", each.read_text("utf-8")
        )
        each.write_text(text_without, encoding="utf-8")
    done = build(source, tmp_path / "html")
    assert done.returncode != 0
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert Path(page).name in done.stderr
