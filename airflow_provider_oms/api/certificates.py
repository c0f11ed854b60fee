"""CA bundles and client certificates: which ones there are, and whether they can be loaded."""

from __future__ import annotations

import os
import re
import ssl
from functools import lru_cache
from pathlib import Path

__all__ = ["check_ca_bundle", "check_client_certificate", "environments_ca_bundle"]

# In the order in which requests itself looks at them when it trusts the environment.
_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_IN_TEXT = "-----BEGIN"
_HASH_LINK = re.compile(r"[0-9a-f]{8}\.[0-9]+")


def environments_ca_bundle() -> tuple[str, str] | None:
    """Return the environment's own bundle, used while the connection names none.

    :return: the variable and the path that it holds; ``None`` when no variable holds any.
    """
    for variable in _VARIABLES:
        if path := os.environ.get(variable):
            return variable, path
    return None


def check_ca_bundle(path: str) -> None:
    """Refuse a bundle with which no TLS connection could be made.

    :param path: a file in PEM format, or a directory of them.
    :raises ValueError: when it is not there, or is no bundle.
    """
    if _IN_TEXT in path:
        raise ValueError("is the text of a certificate; write it to a file, and give its path")
    try:
        place = Path(path)
        if place.is_dir():
            # OpenSSL reads it when it verifies a certificate, and finds only these.
            has_links = any(_HASH_LINK.fullmatch(one.name) for one in place.iterdir())
        else:
            _load(path, place.stat().st_mtime_ns)
            return
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: NUL in the path
        raise ValueError("no such file or directory on this machine") from None
    except ssl.SSLError:
        raise ValueError("holds no certificates in PEM format") from None
    except OSError:
        raise ValueError("cannot be read on this machine") from None
    if not has_links:
        raise ValueError("is a directory without the links that openssl rehash makes in it")


# Loading a system's bundle takes 60 ms, and a triggerer does it for each trigger.
@lru_cache(maxsize=8)
def _load(path: str, modified_at: int) -> None:  # noqa: ARG001 - part of the cache key
    ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)


def check_client_certificate(certificate: str, key: str | None) -> None:
    """Refuse a client certificate that could not be shown to a server.

    :param certificate: a file in PEM format, with the key in it where that has no file.
    :param key: the file of the private key; ``None`` for none.
    :raises ValueError: beginning with the field that is wrong.
    """
    if b"CERTIFICATE-----" not in _content_of("client_cert", certificate):
        raise ValueError("client_cert: holds no certificate in PEM format")
    field, path = ("client_cert", certificate) if key is None else ("client_key", key)
    if b"PRIVATE KEY-----" not in _content_of(field, path):
        hint = ", and client_key is empty" if key is None else ""
        raise ValueError(f"{field}: holds no private key in PEM format{hint}")
    is_encrypted = False

    def password() -> str:
        nonlocal is_encrypted
        is_encrypted = True
        return ""

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate, key, password)
    except ssl.SSLError as error:
        if is_encrypted:
            raise ValueError(
                f"{field}: holds an encrypted key, and there is no field for its passphrase; give "
                f"one that is not, in a file that only the worker's user can read"
            ) from None
        if error.reason in _NO_PAIR:
            raise ValueError(
                f"{field}: holds a key that does not belong to the first certificate in client_cert"
            ) from None
        raise ValueError(
            f"client_cert: certificate and key cannot be loaded ({error.reason or 'damaged'})"
        ) from None


_NO_PAIR = ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH")


def _content_of(field: str, path: str) -> bytes:
    if _IN_TEXT in path:
        raise ValueError(f"{field}: is the text itself; write it to a file, and give its path")
    try:
        return Path(path).read_bytes()
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: NUL in the path
        raise ValueError(f"{field}: no such file on this machine") from None
    except OSError:
        raise ValueError(f"{field}: cannot be read on this machine") from None
