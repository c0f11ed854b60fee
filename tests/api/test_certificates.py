"""CA bundles: one that cannot be loaded is found before any connection is made."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import trustme

from airflow_provider_oms.api.certificates import check_ca_bundle, environments_ca_bundle


@pytest.fixture(scope="module")
def pem() -> bytes:
    return trustme.CA().cert_pem.bytes()


def test_certificates_in_pem_format_and_a_directory_are_taken(tmp_path: Path, pem: bytes) -> None:
    (tmp_path / "ca.pem").write_bytes(pem)
    check_ca_bundle(str(tmp_path / "ca.pem"))
    check_ca_bundle(str(tmp_path))


@pytest.mark.parametrize("content", [b"", b"no certificate", b"\x30\x82\x01\x0a\x00"])
def test_a_file_without_certificates_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "ca.pem").write_bytes(content)
    with pytest.raises(ValueError, match="holds no certificates in PEM format"):
        check_ca_bundle(str(tmp_path / "ca.pem"))


def test_a_file_that_was_cut_off_since_it_was_last_looked_at_is_refused(
    tmp_path: Path, pem: bytes
) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_bytes(pem)
    check_ca_bundle(str(bundle))
    bundle.write_bytes(pem[:100])
    os.utime(bundle, (1, 1))
    with pytest.raises(ValueError, match="holds no certificates in PEM format"):
        check_ca_bundle(str(bundle))


@pytest.mark.parametrize("path", ["/no/such/ca.pem", "ca\0.pem", "~/ca.pem"])
def test_what_is_not_there_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="no such file or directory on this machine"):
        check_ca_bundle(path)


def test_what_may_not_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.touch()

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    # By hand: to root, as which containers run, every file is readable.
    monkeypatch.setattr("ssl.SSLContext.load_verify_locations", refuse)
    with pytest.raises(ValueError, match="cannot be read on this machine"):
        check_ca_bundle(str(bundle))


@pytest.mark.parametrize(
    ("requests", "curl", "named"),
    [
        ("", "", None),
        ("/a.pem", "/b.pem", ("REQUESTS_CA_BUNDLE", "/a.pem")),
        ("", "/b.pem", ("CURL_CA_BUNDLE", "/b.pem")),
    ],
)
def test_the_variable_that_counts_is_named(
    monkeypatch: pytest.MonkeyPatch, requests: str, curl: str, named: tuple[str, str] | None
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", requests)
    monkeypatch.setenv("CURL_CA_BUNDLE", curl)
    assert environments_ca_bundle() == named
