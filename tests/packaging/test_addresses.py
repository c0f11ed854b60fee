"""The repository's address in the package's metadata: from one place, and links that lead on."""

from __future__ import annotations

import re
from typing import Any

import pytest

from scripts import addresses
from scripts.mutants import REPOSITORY

ADDRESS = "https://forge.example/owner/airflow-provider-oms"
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(addresses.VARIABLE, raising=False)


def metadata() -> dict[str, Any]:
    found: dict[str, Any] = {"version": "1.2.0"}
    addresses.Addresses(str(REPOSITORY), {}).update(found)
    return found


def test_every_link_of_the_readme_leads_to_a_file_of_the_release(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(addresses.VARIABLE, f"{ADDRESS}.git")
    readme = metadata()["readme"]
    assert readme["content-type"] == "text/markdown"
    before = re.findall(r"\]\(([^)]+)\)", README)
    after = re.findall(r"\]\(([^)]+)\)", readme["text"])
    assert len(after) == len(before) > 20
    for link in after:
        assert link.startswith("https://")
        if link.startswith(ADDRESS):
            path = link.removeprefix(f"{ADDRESS}/blob/v1.2.0/").partition("#")[0]
            assert (REPOSITORY / path).is_file(), link


def test_the_links_of_the_package_are_those_of_the_release(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(addresses.VARIABLE, ADDRESS)
    assert metadata()["urls"] == {
        "Documentation": f"{ADDRESS}/blob/v1.2.0/docs/index.md",
        "Changelog": f"{ADDRESS}/blob/v1.2.0/CHANGELOG.md",
        "Source": ADDRESS,
        "Issues": f"{ADDRESS}/issues",
    }


def test_without_an_address_the_readme_is_as_it_is_and_no_link_is_made_up() -> None:
    found = metadata()
    assert "urls" not in found
    assert found["readme"]["text"] == README


@pytest.mark.parametrize(
    "wrong",
    ["forge.example/owner/name", "http://forge.example/owner/name", "https://forge.example/name"],
)
def test_an_address_that_is_none_fails_the_build(
    monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    monkeypatch.setenv(addresses.VARIABLE, wrong)
    with pytest.raises(ValueError, match=f"must look like https://HOST/OWNER/NAME, not '{wrong}'"):
        metadata()


def test_links_elsewhere_and_within_the_page_stay() -> None:
    text = "[a](https://e.org/x) [b](#part) [c](mailto:a@e.org)"
    assert addresses.with_absolute_links(text, ADDRESS, "1.2.0") == text


def test_no_other_file_has_an_address_of_the_repository() -> None:
    """Only the release workflow knows it, and takes it from the forge."""
    said = {
        path.relative_to(REPOSITORY).as_posix()
        for path in (*REPOSITORY.glob("*.toml"), *REPOSITORY.glob(".github/**/*.y*ml"))
        if re.search(r"server_url|github\.com/[\w-]+/airflow-provider-oms", path.read_text("utf-8"))
    }
    assert said == {".github/workflows/release.yml"}
