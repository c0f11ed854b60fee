"""In which words a failed exchange is named, however deep its cause lies."""

from __future__ import annotations

import http.client
import socket
import ssl

import pytest
import requests
import urllib3

from airflow_provider_oms.api.transport import describe_failure
from airflow_provider_oms.api.wire import UnsolicitedDataError

POOL = urllib3.HTTPConnectionPool("oms.example.com")
CONNECTION = urllib3.connection.HTTPConnection("oms.example.com")
UNNAMED = socket.gaierror(-2, "Name or service not known")

WORDS = [
    (UNNAMED, "the host name does not resolve"),
    (
        urllib3.exceptions.NameResolutionError("oms.example.com", CONNECTION, UNNAMED),
        "the host name does not resolve",
    ),
    (urllib3.exceptions.ConnectTimeoutError(CONNECTION, "late"), "connecting timed out"),
    (urllib3.exceptions.ReadTimeoutError(POOL, "/x", "late"), "reading timed out"),
    (ConnectionRefusedError(111, "x"), "connection refused"),
    (ConnectionResetError(104, "x"), "the connection was reset"),
    (http.client.RemoteDisconnected("x"), "the connection was closed"),
    (BrokenPipeError(32, "x"), "the connection was closed"),
    (UnsolicitedDataError(), "it sent something that no request has asked for"),
    (
        ssl.SSLCertVerificationError(1, "x"),
        "the TLS certificate was refused; set ca_bundle for a company CA",
    ),
    (ssl.SSLZeroReturnError(6, "x"), "the TLS connection was closed"),
    (
        requests.exceptions.InvalidProxyURL(),
        "the environment's proxy is a SOCKS proxy, or its address is not valid",
    ),
    (OSError(5, "x"), "OSError"),
]


@pytest.mark.parametrize(("error", "words"), WORDS, ids=lambda value: type(value).__name__)
def test_each_failure_is_named_in_a_few_words(error: Exception, words: str) -> None:
    assert describe_failure(error) == words


@pytest.mark.parametrize(("error", "words"), WORDS, ids=lambda value: type(value).__name__)
def test_it_is_the_cause_that_is_named(error: Exception, words: str) -> None:
    retries = urllib3.exceptions.MaxRetryError(POOL, "/x?q=secret", error)
    assert describe_failure(requests.ConnectionError(retries)) == words


def test_what_has_no_name_is_called_after_the_nearest_cause_that_has() -> None:
    inner = urllib3.exceptions.ReadTimeoutError(POOL, "/x", "late")
    inner.__cause__ = TimeoutError("timed out")
    assert describe_failure(requests.ConnectionError(inner)) == "reading timed out"


def test_a_cause_that_leads_back_to_itself_comes_to_an_end() -> None:
    first, second = OSError(1), ValueError(2)
    first.__cause__, second.__cause__ = second, first
    assert describe_failure(first) == "ValueError"


@pytest.mark.parametrize(
    ("alert", "words"),
    [
        ("tlsv13 alert certificate required", "the server wants a client certificate that it"),
        ("tlsv1 alert unknown ca", "the server wants a client certificate that it trusts"),
        ("sslv3 alert bad certificate", "the server wants a client certificate that it trusts"),
        ("ssl/tls alert certificate expired", "the server wants a client certificate that it"),
        ("sslv3 alert handshake failure", "the server ended the TLS handshake; it may want a"),
        ("key values mismatch", "client_cert or client_key has changed"),
    ],
)
def test_a_tls_alert_about_the_client_certificate_says_so(alert: str, words: str) -> None:
    error = ssl.SSLError(1, f"[SSL: X] {alert} (_ssl.c:2580)")
    assert describe_failure(requests.ConnectionError(error)).startswith(words)


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (ConnectionRefusedError(111, "x"), "the proxy: connection refused"),
        (OSError("Tunnel connection failed: 403 x"), "the proxy does not let it through: HTTP 403"),
        (
            OSError("Tunnel connection failed: 407 x"),
            "the proxy wants another user or password: HTTP 407",
        ),
        (OSError("x"), "the proxy does not let it through"),
        (ssl.SSLError(1, "wrong version number"), "the proxy: what answers there speaks no TLS"),
    ],
)
def test_a_failure_of_the_proxy_says_so(cause: Exception, words: str) -> None:
    error = urllib3.exceptions.ProxyError("Unable to connect to proxy", cause)
    assert describe_failure(requests.exceptions.ProxyError(error)) == words
