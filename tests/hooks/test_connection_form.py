"""The connection form: the same on every Airflow, and its input is used as typed."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any
from unittest.mock import MagicMock
from urllib.parse import quote

import pytest
from airflow.providers_manager import ProvidersManager
from features import has

from airflow_provider_oms.get_provider_info import get_provider_info
from airflow_provider_oms.hooks.oms import OmsHook

# Airflow leaves its constructor untyped.
providers: Any = ProvidersManager
(CONNECTION_TYPE,) = get_provider_info()["connection-types"]
FIELDS: dict[str, dict[str, Any]] = CONNECTION_TYPE["conn-fields"]
# As the API server does it: in a process that nothing has asked for hooks before.
SHOWN = """
import json, sys
from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService
(ours,) = [one for one in HookMetaService.hook_meta_data() if one.connection_type == "oms"]
shown = json.loads(ours.model_dump_json())
print(json.dumps([shown, "airflow_provider_oms.hooks.oms" in sys.modules]))
"""


class Typed(dict[str, str]):
    """A browser's form data, as `wtforms` reads it."""

    def getlist(self, name: str) -> list[str]:
        return [self[name]] if name in self else []


def default_of(schema: dict[str, Any]) -> object:
    """Return the initial value of a field: a boolean for a switch, text for the rest."""
    default = schema.get("default")
    return default if isinstance(default, bool | None) else str(default)


def widgets_as_airflow_3_sees_them() -> dict[str, Any]:
    """Call the hook as Airflow 3.0 and 3.1 do: with stand-ins for what only Airflow 2 has."""
    # Airflow 3 only.
    from airflow.api_fastapi.core_api.services.ui.connections import (  # noqa: PLC0415
        HookMetaService,
    )

    # Its public way there reads the provider info, so the stand-ins are taken by themselves.
    service: Any = HookMetaService
    with pytest.MonkeyPatch.context() as patch:
        modules = {
            "wtforms": {
                "BooleanField": service.MockBooleanField,
                "StringField": service.MockStringField,
            },
            "wtforms.validators": {
                "Optional": service.MockOptional,
                "any_of": service.MockEnum,
                "Regexp": MagicMock(),
            },
            "flask_babel": {"lazy_gettext": str},
            "flask_appbuilder": {},
            "flask_appbuilder.fieldwidgets": {"BS3TextFieldWidget": service.MockAnyWidget},
        }
        for name, content in modules.items():
            patch.setitem(sys.modules, name, MagicMock(**content))
        widgets = OmsHook.get_connection_form_widgets()
    return {name: widget.param.dump() for name, widget in widgets.items()}


@functools.cache
def shown_by_airflow_3() -> tuple[dict[str, Any], bool]:
    """Return the form's data for Airflow 3's web UI, and whether that imported the hook."""
    done = subprocess.run([sys.executable, "-c", SHOWN], capture_output=True, text=True, check=True)
    shown, is_imported = json.loads(done.stdout.splitlines()[-1])
    return shown, is_imported


@pytest.mark.needs("connection form of Airflow 2")
class TestTheFormOfAirflow2:
    def test_airflow_takes_its_fields_over_in_their_order(
        self, record_property: Callable[[str, object], None]
    ) -> None:
        record_property("degrades:form", "all fields; Environment is a text")
        manager = providers()
        ours = [name for name in manager.connection_form_widgets if name.startswith("extra__oms__")]
        assert ours == [f"extra__oms__{name}" for name in FIELDS]

    def test_it_has_the_labels_descriptions_and_defaults_of_the_provider_info(self) -> None:
        for name, field in FIELDS.items():
            made = providers().connection_form_widgets[f"extra__oms__{name}"].field
            assert str(made.args[0]) == field["label"]
            assert made.kwargs["description"] == field["description"]
            assert made.kwargs["default"] == default_of(field["schema"])

    def test_no_field_of_it_would_ever_keep_another_type_of_connection_from_being_saved(
        self,
    ) -> None:
        form = self.form(dict.fromkeys(FIELDS, ""))
        assert form.validate()

    @pytest.mark.parametrize(
        ("name", "wrong"),
        [
            ("tenant_id", "t10001"),
            ("environment", "Sandbox"),
            ("site_id", "x"),
            ("deadline", "2 minutes"),
        ],
    )
    def test_it_refuses_at_once_what_could_never_work(self, name: str, wrong: str) -> None:
        assert not self.form({name: wrong}).validate()

    def test_it_takes_what_works(self) -> None:
        typed = {"tenant_id": "10001", "environment": "sandbox", "deadline": "2.5"}
        assert self.form(typed).validate()

    @pytest.mark.parametrize(("typed", "is_set"), [({}, False), ({"allow_http": "y"}, True)])
    def test_a_switch_is_a_box_to_tick(self, typed: dict[str, str], is_set: bool) -> None:
        form = self.form({"tenant_id": "10001", **typed})
        assert form.validate()
        assert form.data["allow_http"] is is_set

    def test_its_behaviour_reaches_the_form(self) -> None:
        behaviour = providers().field_behaviours["oms"]
        declared = CONNECTION_TYPE["ui-field-behaviour"]
        assert behaviour["hidden_fields"] == declared["hidden-fields"]
        assert behaviour["relabeling"] == declared["relabeling"]
        standard = ("login", "password", "host", "port")
        assert behaviour["placeholders"] == {
            name if name in standard else f"extra__oms__{name}": text
            for name, text in declared["placeholders"].items()
        }

    @staticmethod
    def form(typed: dict[str, str]) -> Any:
        from wtforms import Form  # noqa: PLC0415 - Airflow 2 only

        fields = OmsHook.get_connection_form_widgets()
        # The widgets are the web server's; only the rules are asked for here.
        made = type("OmsForm", (Form,), fields)
        return made(Typed(typed))


@pytest.mark.needs("connection form of Airflow 3")
class TestTheFormOfAirflow3:
    def test_airflow_3_0_and_3_1_get_the_same_fields_out_of_the_hook(self) -> None:
        made = widgets_as_airflow_3_sees_them()
        assert list(made) == list(FIELDS)
        for name, field in FIELDS.items():
            schema = field["schema"]
            assert made[name]["description"] == field["description"]
            assert made[name]["schema"]["title"] == field["label"]
            assert made[name]["schema"].get("enum") == schema.get("enum")
            assert made[name]["value"] == default_of(schema)

    @pytest.mark.slow
    def test_airflow_shows_all_fields(self, record_property: Callable[[str, object], None]) -> None:
        shown, _ = shown_by_airflow_3()
        assert shown["hook_name"] == "Kibo OMS"
        if not has("connection form without Flask-AppBuilder") and not find_spec(
            "flask_appbuilder"
        ):
            # Airflow 3.0 asks no hook for its form where this is missing, not only ours.
            assert shown["extra_fields"] is None
            record_property("degrades:form", "the standard fields, and the others as JSON in Extra")
            return
        assert list(shown["extra_fields"]) == list(FIELDS)
        assert shown["extra_fields"]["environment"]["schema"]["enum"] == ["production", "sandbox"]
        assert shown["extra_fields"]["allow_http"]["schema"]["type"] == ["boolean", "null"]
        assert shown["standard_fields"]["url_schema"]["hidden"]
        assert shown["standard_fields"]["password"]["title"] == "Client Secret"
        record_property("degrades:form", "all fields")

    @pytest.mark.slow
    @pytest.mark.needs("connection form from the provider info")
    def test_the_fields_come_with_their_rules_from_the_provider_info(self) -> None:
        shown, is_imported = shown_by_airflow_3()
        for name, field in FIELDS.items():
            made = shown["extra_fields"][name]["schema"]
            assert made == {**field["schema"], "title": field["label"]}
        # Airflow 3.2 imports the hooks nevertheless, and uses nothing of them.
        assert is_imported is not has("connection form without any hook")


def test_the_hook_says_of_the_standard_fields_what_the_provider_info_says() -> None:
    behaviour = OmsHook.get_ui_field_behaviour()
    declared = CONNECTION_TYPE["ui-field-behaviour"]
    assert {name.replace("_", "-"): value for name, value in behaviour.items()} == declared


def test_every_placeholder_and_label_is_of_a_field_that_there_is() -> None:
    declared = CONNECTION_TYPE["ui-field-behaviour"]
    shown = {"login", "password", "host", "port", "description", *FIELDS}
    assert set(declared["placeholders"]) <= shown
    assert set(declared["relabeling"]) <= shown


def test_what_is_typed_into_the_form_is_what_a_uri_and_json_say(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A form leaves empty text, or null, where nothing was typed, and text where a number was.
    typed: dict[str, object] = dict.fromkeys(FIELDS, "")
    typed |= {"tenant_id": "10001", "environment": "sandbox", "deadline": "60", "site_id": None}
    fields = {"login": "KIBO.1", "password": "a secret", "host": "", "schema": "", "port": None}
    form = {"conn_type": "oms", **fields, "extra": json.dumps(typed)}
    plain = {"tenant_id": 10001, "environment": "sandbox", "deadline": 60}
    written = {"conn_type": "oms", "login": "KIBO.1", "password": "a secret", "extra": plain}
    monkeypatch.setenv("AIRFLOW_CONN_OMS_FORM", json.dumps(form))
    monkeypatch.setenv("AIRFLOW_CONN_OMS_JSON", json.dumps(written))
    uri = "oms://KIBO.1:a%20secret@/?tenant_id=10001&environment=sandbox&deadline=60"
    monkeypatch.setenv("AIRFLOW_CONN_OMS_URI", uri)
    settings = OmsHook("oms_form").settings
    assert settings == OmsHook("oms_json").settings == OmsHook("oms_uri").settings
    assert settings.deadline == 60


def test_http_for_a_local_oms_is_allowed_by_a_ticked_box_by_json_and_by_a_uri(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    address = "http://oms-emulator:8787"
    login = {"conn_type": "oms", "host": address, "login": "KIBO.1", "password": "a secret"}
    extra = {"tenant_id": "10001", "auth_url": address, "allow_http": True}
    form = {**login, "extra": json.dumps({**dict.fromkeys(FIELDS, ""), **extra})}
    monkeypatch.setenv("AIRFLOW_CONN_OMS_FORM", json.dumps(form))
    monkeypatch.setenv("AIRFLOW_CONN_OMS_JSON", json.dumps({**login, "extra": extra}))
    quoted = quote(address, safe="")
    uri = f"oms://KIBO.1:a%20secret@{quoted}/?tenant_id=10001&auth_url={quoted}&allow_http=true"
    monkeypatch.setenv("AIRFLOW_CONN_OMS_URI", uri)
    settings = OmsHook("oms_form").settings
    assert settings == OmsHook("oms_json").settings == OmsHook("oms_uri").settings
    assert settings.api_url == settings.token_base_url == address
