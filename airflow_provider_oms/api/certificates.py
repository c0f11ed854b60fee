"""CA bundles: which environment variable names one, and whether it can be loaded."""

from __future__ import annotations

import os
import ssl
from functools import lru_cache
from pathlib import Path

__all__ = ["check_ca_bundle", "environments_ca_bundle"]

# In the order in which requests itself looks at them when it trusts the environment.
_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


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
    if not Path(path).exists():
        raise ValueError("no such file or directory on this machine")
    if Path(path).is_dir():
        return  # OpenSSL reads it when it verifies a certificate
    try:
        modified_at = Path(path).stat().st_mtime_ns
        _load(path, modified_at)
    except ssl.SSLError:
        raise ValueError("holds no certificates in PEM format") from None
    except OSError:
        raise ValueError("cannot be read on this machine") from None


# Loading a system's bundle takes 60 ms, and a triggerer does it for each trigger.
@lru_cache(maxsize=8)
def _load(path: str, modified_at: int) -> None:  # noqa: ARG001 - part of the cache key
    ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
