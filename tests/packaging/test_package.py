"""`make package`: the packages that it accepts and refuses."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

import airflow_provider_oms
from scripts import package
from scripts.addresses import VARIABLE
from scripts.mutants import REPOSITORY

CHANGELOG = "# Changelog\n\n## 1.2.0 (2026-11-25)\n\n- more\n\n## 1.1.0 (2026-10-01)\n"


def test_a_release_whose_readme_has_relative_links_is_wrong() -> None:
    relative = "Name: x\n\n[security](docs/security.md)"
    (wrong,) = package.wrong_with_links(relative, "v1.2.0")
    assert "set PROVIDER_REPOSITORY_URL" in wrong
    assert package.wrong_with_links(relative, "") == []
    assert package.wrong_with_links("[security](https://e.org/security.md)", "v1.2.0") == []


def test_a_wheel_without_an_sbom_is_wrong(tmp_path: Path) -> None:
    wheel = tmp_path / "airflow_provider_oms-1.2.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("airflow_provider_oms-1.2.0.dist-info/METADATA", "Name: x\n")
    with pytest.raises(SystemExit, match="the SBOM is missing"):
        package.check(wheel, "", CHANGELOG)


def test_the_notes_of_a_release_are_its_entry_of_the_changelog(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert package.release_notes(CHANGELOG, "1.2.0") == "- more\n"


@pytest.mark.parametrize("tag", ["", "v1.2.0"])
def test_a_version_that_all_agree_on_is_right(tag: str) -> None:
    assert package.wrong_with_version("1.2.0", tag, CHANGELOG) == []


@pytest.mark.parametrize("tag", ["1.2.0", "v1.2", "v1.2.1", "v1.2.0rc1", "refs/tags/v1.2.0"])
def test_a_tag_that_is_not_the_version_is_wrong(tag: str) -> None:
    assert package.wrong_with_version("1.2.0", tag, CHANGELOG) == [f"the tag {tag} is not v1.2.0"]


def test_a_changelog_of_another_version_is_wrong() -> None:
    assert len(package.wrong_with_version("1.3.0", "", CHANGELOG)) == 1
    assert len(package.wrong_with_version("1.2.0", "", "# Changelog\n")) == 1


def test_what_is_called_unreleased_is_not_released() -> None:
    changelog = CHANGELOG.replace("2026-11-25", "unreleased")
    assert package.wrong_with_version("1.2.0", "", changelog) == []
    assert len(package.wrong_with_version("1.2.0", "v1.2.0", changelog)) == 1


def test_the_changelog_begins_with_the_version_there_is() -> None:
    changelog = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
    assert package.wrong_with_version(airflow_provider_oms.__version__, "", changelog) == []


def test_a_byte_or_a_name_that_differs_is_seen(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for directory in (one, other):
        directory.mkdir()
        (directory / "same").write_bytes(b"x")
        (directory / "differs").write_bytes(directory.name.encode())
    (one / "alone").touch()
    assert package.differences(one, other) == ["alone", "differs"]
