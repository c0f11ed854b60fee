"""`make package`: the packages that it accepts and refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

import airflow_provider_oms
from scripts import package

CHANGELOG = "# Changelog\n\n## 1.2.0 (2026-11-25)\n\n- more\n\n## 1.1.0 (2026-10-01)\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Make a package with two files, one that is left over from running it, and `py.typed`."""
    root = tmp_path / "airflow_provider_oms"
    (root / "hooks" / "__pycache__").mkdir(parents=True)
    for name in ("__init__.py", "py.typed", "hooks/oms.py", "hooks/__pycache__/oms.cpython.pyc"):
        (root / name).touch()
    return root


RIGHT = [
    "airflow_provider_oms/__init__.py",
    "airflow_provider_oms/py.typed",
    "airflow_provider_oms/hooks/oms.py",
    "airflow_provider_oms-1.2.0.dist-info/METADATA",
    "airflow_provider_oms-1.2.0.dist-info/sboms/sbom.cdx.json",
]


def test_a_wheel_with_the_package_alone_is_right(tree: Path) -> None:
    assert package.wrong_in_wheel(RIGHT, tree) == []


@pytest.mark.parametrize(
    "more",
    [
        "tests/test_x.py",
        "example_dags/cancel_order.py",
        "airflow_provider_oms/hooks/__pycache__/oms.cpython.pyc",
        "airflow_provider_oms/left_over.txt",
    ],
)
def test_a_wheel_with_anything_else_is_wrong(tree: Path, more: str) -> None:
    assert package.wrong_in_wheel([*RIGHT, more], tree) == [f"{more} does not belong there"]


def test_a_wheel_without_its_types_is_wrong(tree: Path) -> None:
    names = [name for name in RIGHT if not name.endswith("py.typed")]
    assert package.wrong_in_wheel(names, tree) == ["airflow_provider_oms/py.typed is missing"]


def test_a_wheel_without_an_sbom_is_wrong(tree: Path) -> None:
    names = [name for name in RIGHT if not name.endswith(".cdx.json")]
    assert package.wrong_in_wheel(names, tree) == ["the SBOM is missing"]


def test_a_release_whose_readme_has_relative_links_is_wrong() -> None:
    relative = "Name: x\n\n[security](docs/security.md)"
    (wrong,) = package.wrong_with_links(relative, "v1.2.0")
    assert "set PROVIDER_REPOSITORY_URL" in wrong
    assert package.wrong_with_links(relative, None) == []
    assert package.wrong_with_links("[security](https://e.org/security.md)", "v1.2.0") == []


def test_the_notes_of_a_release_are_its_entry_of_the_changelog() -> None:
    assert package.release_notes(CHANGELOG) == "- more\n"


@pytest.mark.parametrize("tag", [None, "v1.2.0"])
def test_a_version_that_all_agree_on_is_right(tag: str | None) -> None:
    assert package.wrong_with_version("1.2.0", tag, CHANGELOG) == []


@pytest.mark.parametrize("tag", ["1.2.0", "v1.2", "v1.2.1", "v1.2.0rc1", "refs/tags/v1.2.0"])
def test_a_tag_that_is_not_the_version_is_wrong(tag: str) -> None:
    assert package.wrong_with_version("1.2.0", tag, CHANGELOG) == [f"the tag {tag} is not v1.2.0"]


def test_a_changelog_of_another_version_is_wrong() -> None:
    assert len(package.wrong_with_version("1.3.0", None, CHANGELOG)) == 1
    assert len(package.wrong_with_version("1.2.0", None, "# Changelog\n")) == 1


def test_what_is_called_unreleased_is_not_released() -> None:
    changelog = CHANGELOG.replace("2026-11-25", "unreleased")
    assert package.wrong_with_version("1.2.0", None, changelog) == []
    assert len(package.wrong_with_version("1.2.0", "v1.2.0", changelog)) == 1


def test_the_changelog_begins_with_the_version_there_is() -> None:
    changelog = (package.REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
    assert package.wrong_with_version(airflow_provider_oms.__version__, None, changelog) == []


def test_a_byte_or_a_name_that_differs_is_seen(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for directory in (one, other):
        directory.mkdir()
        (directory / "same").write_bytes(b"x")
        (directory / "differs").write_bytes(directory.name.encode())
    (one / "alone").touch()
    assert package.differences(one, other) == ["alone", "differs"]


@pytest.mark.parametrize("name", ["a-1/.venv/x.py", "a-1/.env", "a-1/tests/.cache/x", "a-1/x.pyc"])
def test_a_hidden_or_compiled_file_does_not_belong_into_the_sdist(name: str) -> None:
    assert package.is_unwanted(name)
    assert not package.is_unwanted("a-1/.github/workflows/ci.yml")
