"""CA bundles and client certificates: one that cannot be loaded is found before any connection."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from gateway import Pair, pair
from tenants import TENANT, error_of, settings

from airflow_provider_oms.api.certificates import (
    check_ca_bundle,
    check_client_certificate,
    environments_ca_bundle,
)


@pytest.fixture(scope="module")
def pem() -> bytes:
    return trustme.CA().cert_pem.bytes()


def test_certificates_in_pem_format_and_a_directory_are_taken(tmp_path: Path, pem: bytes) -> None:
    (tmp_path / "ca.pem").write_bytes(pem)
    check_ca_bundle(str(tmp_path / "ca.pem"))
    # OpenSSL looks for an authority by the hash of its name.
    (tmp_path / "0a1b2c3d.0").symlink_to(tmp_path / "ca.pem")
    check_ca_bundle(str(tmp_path))


def test_a_directory_in_which_openssl_finds_nothing_is_refused(tmp_path: Path, pem: bytes) -> None:
    (tmp_path / "ca.pem").write_bytes(pem)
    with pytest.raises(ValueError, match="without the links that openssl rehash makes in it"):
        check_ca_bundle(str(tmp_path))


def test_the_text_of_a_certificate_in_place_of_a_path_is_refused_unseen(files: Pair) -> None:
    text = Path(files.both).read_text(encoding="ascii")
    for extra, field in (
        ({"ca_bundle": text}, "ca_bundle: is the text of a certificate"),
        ({"client_cert": text}, "client_cert: is the text itself"),
        ({"client_cert": files.certificate, "client_key": text}, "client_key: is the text itself"),
    ):
        message = error_of({**TENANT, **extra})
        assert f"{field}; write it to a file, and give its path" in message
        assert text.splitlines()[1] not in message


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


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return pair(trustme.CA(), tmp_path_factory.mktemp("clients"), "oms-client")


class TestClientCertificates:
    def test_two_files_and_one_that_holds_both_are_taken(self, files: Pair) -> None:
        check_client_certificate(files.certificate, files.key)
        check_client_certificate(files.both, None)
        check_client_certificate(files.both, files.both)
        tenant = settings({**TENANT, "client_cert": files.certificate, "client_key": files.key})
        assert (tenant.client_cert, tenant.client_key) == (files.certificate, files.key)

    @pytest.mark.parametrize("path", ["/no/such.pem", "client\0.pem", "~/client.pem"])
    def test_a_file_that_is_not_there_is_named(self, files: Pair, path: str) -> None:
        for pair_of_paths, field in (((path, None), "cert"), ((files.certificate, path), "key")):
            with pytest.raises(ValueError, match=f"^client_{field}: no such file on this machine"):
                check_client_certificate(*pair_of_paths)

    def test_so_is_one_that_may_not_be_read(
        self, files: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with pytest.raises(ValueError, match=r"^client_key: cannot be read on this machine"):
            check_client_certificate(files.certificate, str(tmp_path))

        def refuse(*_: object) -> bytes:
            raise PermissionError(13, "Permission denied")

        # By hand: to root, as which containers run, every file is readable.
        monkeypatch.setattr(Path, "read_bytes", refuse)
        with pytest.raises(ValueError, match=r"^client_cert: cannot be read on this machine"):
            check_client_certificate(files.certificate, files.key)

    def test_a_file_with_something_else_in_it_is_named(self, files: Pair) -> None:
        with pytest.raises(ValueError, match=r"^client_cert: holds no certificate in PEM format"):
            check_client_certificate(files.key, files.key)
        with pytest.raises(ValueError, match=r"^client_key: holds no private key in PEM format$"):
            check_client_certificate(files.certificate, files.certificate)
        with pytest.raises(
            ValueError, match=r"^client_cert: holds no private key in PEM format, an"
        ):
            check_client_certificate(files.certificate, None)

    def test_a_key_of_another_certificate_is_named(self, files: Pair, tmp_path: Path) -> None:
        other = pair(trustme.CA(), tmp_path, "other")
        with pytest.raises(ValueError, match=r"^client_key: holds a key that does not belong to"):
            check_client_certificate(files.certificate, other.key)

    @pytest.mark.parametrize(
        "format_of_key", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL]
    )
    def test_an_encrypted_key_is_named(
        self, files: Pair, tmp_path: Path, format_of_key: PrivateFormat
    ) -> None:
        key = load_pem_private_key(Path(files.key).read_bytes(), None)
        encryption = BestAvailableEncryption(b"a passphrase")
        encrypted = tmp_path / "encrypted.pem"
        encrypted.write_bytes(key.private_bytes(Encoding.PEM, format_of_key, encryption))
        with pytest.raises(
            ValueError, match=r"^client_key: holds an encrypted key, and there is no"
        ):
            check_client_certificate(files.certificate, str(encrypted))
        both = tmp_path / "both.pem"
        both.write_bytes(encrypted.read_bytes() + Path(files.certificate).read_bytes())
        with pytest.raises(ValueError, match=r"^client_cert: holds an encrypted key"):
            check_client_certificate(str(both), None)

    @pytest.mark.parametrize("damage", [lambda pem: pem[:200], lambda pem: pem.replace(b"M", b"!")])
    @pytest.mark.parametrize("is_key", [False, True])
    def test_two_files_of_which_one_is_damaged_are_called_so(
        self, files: Pair, tmp_path: Path, damage: Callable[[bytes], bytes], is_key: bool
    ) -> None:
        whole = Path(files.key if is_key else files.certificate)
        damaged = tmp_path / "damaged.pem"
        damaged.write_bytes(damage(whole.read_bytes()))
        paths = (files.certificate, str(damaged)) if is_key else (str(damaged), files.key)
        message = "client_cert: certificate and key cannot be loaded (damaged)"
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            check_client_certificate(*paths)

    def test_where_openssl_has_a_word_for_the_reason_that_is_given(self, tmp_path: Path) -> None:
        key = rsa.generate_private_key(65537, 1024)  # noqa: S505 - weak on purpose
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "oms-client")])
        made = x509.CertificateBuilder(name, name, key.public_key(), 1)
        made = made.not_valid_before(datetime(2020, 1, 1, tzinfo=UTC)).not_valid_after(
            datetime(2040, 1, 1, tzinfo=UTC)
        )
        weak = tmp_path / "weak.pem"
        weak.write_bytes(
            made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
            + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        message = "client_cert: certificate and key cannot be loaded (EE_KEY_TOO_SMALL)"
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            check_client_certificate(str(weak), None)

    def test_the_connection_is_refused_with_the_same_words(self, files: Pair) -> None:
        extra = {**TENANT, "client_cert": files.certificate}
        assert "cannot be used: client_cert: holds no private key in PEM" in error_of(extra)
        extra = {**TENANT, "client_key": files.key}
        assert "cannot be used: client_key: is given without client_cert. " in error_of(extra)

    def test_plain_http_shows_none(self, files: Pair) -> None:
        extra = {"tenant_id": "1", "client_cert": files.both}
        message = error_of(extra, host="http://127.0.0.1:8787")
        assert "client_cert: is shown over https only, and host begins with http://" in message


class TestWhatTheGatewayCovers:
    HEADERS: ClassVar = {"secret_headers": {"X-Gateway-Key": "a value"}}

    def test_it_has_to_have_a_meaning(self) -> None:
        extra = {"tenant_id": "1", "auth_url": "https://tokens.example.com"}
        covered = {**extra, "gateway_covers_auth": True}
        message = error_of(covered, host="gateway.example.com")
        assert "gateway_covers_auth: has no meaning without client_cert or" in message
        tenant = settings({**covered, **self.HEADERS}, host="gateway.example.com")
        assert not tenant.is_bare_token_address
        assert settings({**extra, **self.HEADERS}, host="gateway.example.com").is_bare_token_address

    def test_kibos_own_token_host_is_behind_no_gateway(self) -> None:
        extra = {"tenant_id": "1", "auth_url": "https://home.mozu.com", **self.HEADERS}
        message = error_of({**extra, "gateway_covers_auth": True}, host="gateway.example.com")
        assert "gateway_covers_auth: access tokens come from Kibo's own host" in message
        assert settings(extra, host="gateway.example.com").is_bare_token_address
