"""The address of a proxy, the connection's own or the environment's: taken, or refused unseen."""

from __future__ import annotations

import pytest
from connect_proxy import forget_proxies
from tenants import TENANT, error_of, settings
from wire import EXAMPLE, client_of

from airflow_provider_oms.api.errors import OmsNotSentError
from airflow_provider_oms.api.routes import Routes


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_proxies(monkeypatch)


class TestItsAddress:
    @pytest.mark.parametrize(
        ("given", "taken"),
        [
            ("http://proxy.example.com:3128", "http://proxy.example.com:3128"),
            ("proxy.example.com:3128", "http://proxy.example.com:3128"),
            ("proxy:3128/", "http://proxy:3128"),
            ("https://proxy.example.com", "https://proxy.example.com"),
            ("http://[::1]:3128", "http://[::1]:3128"),
            ("http://us%40er:p%3Ass@proxy:3128", "http://us%40er:p%3Ass@proxy:3128"),
            ("http://us@er:p@ss@proxy:3128", "http://us@er:p@ss@proxy:3128"),
            ("none", "none"),
        ],
    )
    def test_each_form_of_one_is_taken(self, given: str, taken: str) -> None:
        proxy = settings({**TENANT, "proxy": given}).proxy
        assert proxy is not None
        assert proxy.get_secret_value() == taken

    @pytest.mark.parametrize("given", ["", None, "  "])
    def test_an_empty_one_leaves_it_to_the_environment(self, given: str | None) -> None:
        assert settings({**TENANT, "proxy": given}).proxy is None

    @pytest.mark.parametrize(
        ("given", "problem"),
        [
            ("ftp://s3cret@proxy", "must be an address such as http://proxy"),
            ("http://user:s3cret/word@proxy:3128", "must be an address such as http://proxy"),
            ("http://user:s3cret?@proxy:3128", "must be an address such as http://proxy"),
            ("http://[s3cret", "must be an address such as http://proxy"),
            ("http://user:s3\ncret@proxy", "holds a line break"),
            ("http://s3cret@proxy:3128", "must be an address such as http://proxy"),
            ("http://:s3cret@proxy:3128", "must be an address such as http://proxy"),
            ("http://user:s3cret@:3128", "must be an address such as http://proxy"),
            ("http://user:s3cret%E2%82%AC@proxy:3128", "has a user or password with characters"),
            ("http://us%C4%98er:s3cret@proxy:3128", "has a user or password with characters"),
            ("http://corp\\user:s3cret@proxy:3128", "must be an address such as http://proxy"),
            ("direct://", "must be an address such as http://proxy"),
            ("http://proxy..example.com:3128", "must be an address such as http://proxy"),
            (f"http://{'a' * 64}.example.com", "must be an address such as http://proxy"),
            ("None", "is a placeholder"),
            ("http://user:s3cret@proxy:3128/path", "must be an address such as http://proxy"),
            ("http://user:s3cret@proxy:3128?x", "must be an address such as http://proxy"),
            ("http://user:s3cret@proxy:3128/#x", "must be an address such as http://proxy"),
            ("http://user:s3 cret@proxy:3128", "must be an address such as http://proxy"),
            ("http://user:s3cret@proxy:0", "must be an address such as http://proxy"),
            ("socks5://user:s3cret@proxy:1080", "is a SOCKS proxy, which this client cannot use"),
            ("***", "is only asterisks"),
            ("${PROXY}", "is a placeholder"),
            (5, "Input should be a valid string"),
            (False, "Input should be a valid string"),
        ],
    )
    def test_anything_else_is_refused_without_showing_it(self, given: object, problem: str) -> None:
        message = error_of({**TENANT, "proxy": given})
        assert f"proxy: {problem}" in message
        assert "s3cret" not in message

    @pytest.mark.parametrize(
        "given",
        [
            "http://user:s3cret[x@127.0.0.1:3128",
            "http://user:s3cret%C4%98@127.0.0.1:3128",
            "http://user:s3cret#x@127.0.0.1:3128",
            "http://user:s3cret/x@127.0.0.1:3128",
            "http://corp\\user:s3cret@127.0.0.1:3128",
            "http://s3cret:3128\r",
            "http://s3cret:3128 ",
            '"http://s3cret:3128"',
            "http://s3cret:99999",
            "http://[::1",
            "http://s3cret..example.com",
            "socks5://s3cret:1080",
            "direct://",
            "  ",
        ],
    )
    @pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
    def test_one_of_the_environment_that_cannot_be_used_is_refused_too(
        self, given: str, variable: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(variable, given)
        message = error_of(TENANT)
        assert f"proxy: is empty, and the address in {variable} of the environment" in message
        assert "correct the variable, or give proxy" in message
        assert "s3cret" not in message
        # Neither is it used where another one is given, or the host is exempt from it.
        assert settings({**TENANT, "proxy": "http://proxy:3128"}).proxy is not None
        assert settings({**TENANT, "proxy": "none"}).proxy is not None
        monkeypatch.setenv("NO_PROXY", "mozu.com")
        assert settings(TENANT).proxy is None

    @pytest.mark.parametrize(
        "given", ["http://proxy:3128/proxy.pac", "http://user@proxy:3128", "proxy:3128", ""]
    )
    def test_every_one_of_the_environment_that_works_is_taken(
        self, given: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTPS_PROXY", given)
        assert settings(TENANT).proxy is None

    def test_one_that_the_environment_gets_later_sends_nothing(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with client_of("https://oms.invalid") as client:
            monkeypatch.setenv("HTTPS_PROXY", "http://user:s3cret%C4%98@127.0.0.1:3128")
            with pytest.raises(OmsNotSentError, match="was not sent") as error:
                client.post_cancel(EXAMPLE)
        assert "s3cret" not in repr(error.value)

    def test_it_is_in_no_repr(self) -> None:
        tenant = settings({**TENANT, "proxy": "http://user:s3cret@proxy:3128"})
        assert "s3cret" not in repr(tenant)
        assert "s3cret" not in repr(Routes(tenant).to("https://home.mozu.com/x"))

    @pytest.mark.parametrize("host", ["https://127.0.0.1:8443", "http://localhost:8787"])
    def test_one_that_is_never_used_is_refused(self, host: str) -> None:
        extra = {"tenant_id": "10001", "proxy": "http://proxy:3128"}
        assert "proxy: is never used for this machine or for plain" in error_of(extra, host=host)
        assert settings({**extra, "proxy": "none"}, host=host).proxy is not None
        extra["auth_url"] = "https://tokens.example.com"
        assert settings(extra, host=host, login="id", password="a secret").proxy is not None
