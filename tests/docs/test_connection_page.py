"""The page about the connection: every form of it works, its tables agree with the code."""

from __future__ import annotations

import ast
import inspect
import json
import re
import shlex
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from airflow.cli import cli_parser
from airflow.providers.common.compat.sdk import Connection
from airflow.secrets.local_filesystem import LocalFilesystemBackend
from pages import blocks, commands, rows, text_of
from pydantic import ValidationError

from airflow_provider_oms.api import config, connection_rules, connection_test
from airflow_provider_oms.api.config import EXTRA_FIELDS, TenantSettings
from airflow_provider_oms.connections import settings_of
from airflow_provider_oms.emulator.testing import EmulatorProcess
from airflow_provider_oms.get_provider_info import get_provider_info
from airflow_provider_oms.hooks.oms import OmsHook

PAGE = text_of("docs/connection.md")
FIELDS = rows(PAGE, "| field | in the form | meaning | default |")
COMMANDS = [command for _, block in blocks(PAGE, "bash") for command in commands(block)]


def exported(prefix: str) -> list[str]:
    """Return the values of a variable that the page exports."""
    words = [shlex.split(command) for command in COMMANDS]
    values = [word[1] for word in words if word[0] == "export" and word[1].startswith(prefix)]
    return [value.partition("=")[2] for value in values]


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> TenantSettings:
    """Return the settings of the connection as JSON."""
    monkeypatch.setenv("AIRFLOW_CONN_OMS_DEFAULT", exported("AIRFLOW_CONN_OMS_DEFAULT=")[0])
    return OmsHook().settings


class TestWaysToGiveIt:
    def test_the_uri_configures_the_same_client(
        self, settings: TenantSettings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        as_json, as_uri = exported("AIRFLOW_CONN_OMS_DEFAULT=")
        assert json.loads(as_json)["extra"]["environment"] == settings.environment
        monkeypatch.setenv("AIRFLOW_CONN_OMS_DEFAULT", as_uri)
        assert OmsHook().settings == settings

    def test_so_does_the_command(self, settings: TenantSettings) -> None:
        (command,) = [one for one in COMMANDS if one.startswith("airflow connections add")]
        given = cli_parser.get_parser().parse_args(shlex.split(command)[1:])
        connection = Connection(
            conn_id=given.conn_id,
            conn_type=given.conn_type,
            login=given.conn_login,
            password=given.conn_password,
            extra=given.conn_extra,
        )
        assert (given.conn_id, given.conn_type) == ("oms_default", "oms")
        assert settings_of(connection, given.conn_id) == settings

    def test_so_does_the_file_of_the_secrets_backend(
        self, settings: TenantSettings, tmp_path: Path
    ) -> None:
        content = blocks(PAGE, "json")[-1][1]
        (arguments,) = exported("AIRFLOW__SECRETS__BACKEND_KWARGS=")
        (backend,) = exported("AIRFLOW__SECRETS__BACKEND=")
        assert backend.rpartition(".")[2] == LocalFilesystemBackend.__name__
        (tmp_path / "connections.json").write_text(content, encoding="utf-8")
        (name,) = json.loads(arguments)
        found = LocalFilesystemBackend(**{name: str(tmp_path / "connections.json")})
        connection: Any = found.get_connection("oms_default")
        assert settings_of(connection, "oms_default") == settings


@pytest.mark.airflow_db
@pytest.mark.slow
def test_the_commands_add_a_connection_and_try_it_out(
    airflow_db: None,
    emulator: EmulatorProcess,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Take both commands as they are, but for address and secret: nothing here is Kibo's."""
    (add,) = [one for one in COMMANDS if one.startswith("airflow connections add")]
    (test,) = [one for one in COMMANDS if "airflow connections test" in one]
    setting, test = test.split(" ", 1)
    monkeypatch.setenv(*setting.split("="))
    assert "'the client secret'" in add
    add = add.replace("'the client secret'", emulator.client_secret)
    run(f"{add} --conn-host {emulator.url}")
    try:
        run(test)
    finally:
        run("airflow connections delete oms_default")
    assert "Connection success!" in capsys.readouterr().out
    assert "`Connection success!`" in PAGE
    calls = [(one["method"], one["path"].rpartition("/")[2]) for one in emulator.requests()]
    assert calls == [("POST", "oauth"), ("GET", "1")]


def run(command: str) -> None:
    """Run a command of Airflow's in this process."""
    given = cli_parser.get_parser().parse_args(shlex.split(command)[1:])
    given.func(given)


class TestTheTableOfFields:
    def test_it_names_every_field_once_and_as_the_form_does(self) -> None:
        (connection_type,) = get_provider_info()["connection-types"]
        labels = {name: field["label"] for name, field in connection_type["conn-fields"].items()}
        relabeled = connection_type["ui-field-behaviour"]["relabeling"]
        standard = {name: relabeled.get(name, name.title()) for name in ("login", "password")}
        standard |= {name: relabeled.get(name, name.title()) for name in ("host", "port")}
        documented = {re.sub("extra |`", "", field): label for field, label, *_ in FIELDS}
        assert documented == standard | labels
        assert [field for field in documented if field not in standard] == list(EXTRA_FIELDS)

    def test_its_defaults_are_the_codes(self) -> None:
        defaults = {re.sub("extra |`", "", field): default for field, _, _, default in FIELDS}
        native = {
            name: found[1]
            for name, text in defaults.items()
            if (found := re.search(r", native `?(\w+)`?$", text))
        }
        assert native == {"settle_seconds": "60", "not_cancelable_states": "Completed"}
        of_native = TenantSettings.model_validate(
            {"api": "native", "tenant_id": "1", "environment": "sandbox"}
        )
        assert of_native.settle_seconds == float(native["settle_seconds"])
        assert of_native.not_cancelable_states == (native["not_cancelable_states"],)
        defaults = {name: text.partition(", native ")[0] for name, text in defaults.items()}
        numbers = {name: float(text) for name, text in defaults.items() if text.isdigit()}
        fields = TenantSettings.model_fields
        assert numbers == {
            name: field.default
            for name, field in fields.items()
            if isinstance(field.default, int | float) and not isinstance(field.default, bool)
        }
        for name in ("allow_http", "discover_host", "search_with_or"):
            assert defaults[name] == f"`{str(fields[name].default).lower()}`"
        for name in ("api", "check_reasons"):
            assert defaults[name] == f"`{fields[name].default}`"
        (state,) = fields["not_cancelable_states"].default
        assert defaults["not_cancelable_states"] == f"`{state}`"
        assert defaults["auth_url"] == f"`{config.DEFAULT_AUTH_URL}`"
        assert fields["tenant_id"].is_required()
        assert defaults["tenant_id"] == "required"

    def test_the_addresses_are_those_that_are_derived(self) -> None:
        heading = "| `environment` | translated tenant 10001 | native tenant 10001 |"
        for environment, *shown in rows(PAGE, heading):
            for api, address in zip(("translated", "native"), shown, strict=True):
                given = {"api": api, "tenant_id": "10001", "environment": environment.strip("`")}
                if address.startswith("none"):
                    with pytest.raises(ValidationError, match="set discover_host"):
                        TenantSettings.model_validate(given)
                else:
                    assert address == f"`{TenantSettings.model_validate(given).api_url}`"

    def test_the_two_extras_side_by_side_are_a_translated_and_a_native_tenant(self) -> None:
        extras = [json.loads(block) for _, block in blocks(PAGE, "json")][:2]
        translated, native = (TenantSettings.model_validate(extra) for extra in extras)
        assert (translated.api, native.api) == ("translated", "native")
        assert translated.tenant_id == native.tenant_id

    @pytest.mark.parametrize(
        ("host", "address"),
        [
            ("127.0.0.1:8787", "https://127.0.0.1:8787"),
            ("http://127.0.0.1:8787", "http://127.0.0.1:8787"),
        ],
    )
    def test_a_host_without_a_scheme_is_taken_as_https(self, host: str, address: str) -> None:
        assert "**A host without a scheme\nis taken as `https`.**" in PAGE
        found = TenantSettings.from_connection(name="c", host=host, extra='{"tenant_id": "10001"}')
        assert found.api_url == address


def sentences(module: ModuleType) -> list[str]:
    """Return a pattern for every text in a module's source; a placeholder matches anything."""
    found = []
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.JoinedStr):
            parts = [
                re.escape(str(part.value)) if isinstance(part, ast.Constant) else ".*?"
                for part in node.values
            ]
            found.append("".join(parts))
    return [pattern for pattern in found if len(pattern.replace(".*?", "")) > 20]


MODULES = (connection_test, config, connection_rules)
TEST_BUTTON = rows(PAGE, "| case | message |")


@pytest.mark.parametrize("case", TEST_BUTTON, ids=lambda case: str(case[0]))
def test_what_the_test_button_says_is_what_the_page_says(case: list[str]) -> None:
    patterns = [pattern for module in MODULES for pattern in sentences(module)]
    assert any(re.fullmatch(pattern, case[1]) for pattern in patterns)
