"""The connection form as Airflow up to 3.1 wants it, made from the provider info.

Only ``get_provider_info.py`` lists the fields and their labels.
"""

from __future__ import annotations

from typing import Any

from airflow_provider_oms.get_provider_info import get_provider_info

__all__ = ["connection_form_widgets", "ui_field_behaviour"]

_A_NUMBER = r"[0-9]+(\.[0-9]+)?"


def connection_form_widgets() -> dict[str, Any]:
    """Return the form's own fields.

    :return: a field of ``wtforms`` for each entry of the provider info's ``conn-fields``.
    """
    # Airflow 2's web server has these packages; Airflow 3.0 and 3.1 put something in their place
    # while they call this; nothing else calls it.
    from flask_appbuilder.fieldwidgets import BS3TextFieldWidget  # noqa: PLC0415
    from flask_babel import lazy_gettext  # noqa: PLC0415
    from wtforms import BooleanField, StringField  # noqa: PLC0415
    from wtforms.validators import Optional, Regexp, any_of  # noqa: PLC0415

    def validators(schema: dict[str, Any]) -> list[Any]:
        # The form of Airflow 2 has the fields of all connection types, empty for all but one.
        rules: list[Any] = [Optional()]
        if "enum" in schema:
            # A drop-down in Airflow 3; Airflow 2 takes no field that would be one.
            rules.append(any_of(schema["enum"]))
        if "pattern" in schema:
            rules.append(Regexp(schema["pattern"]))
        if "number" in schema["type"]:
            # There is no field for a fraction of a second but that for text.
            rules.append(Regexp(f"^{_A_NUMBER}$", message="must be a number of seconds"))
        return rules

    def default(schema: dict[str, Any]) -> str | None:
        return str(schema["default"]) if "default" in schema else None

    def field_of(field: dict[str, Any]) -> Any:
        schema = field["schema"]
        label, description = lazy_gettext(field["label"]), field["description"]
        if "boolean" in schema["type"]:
            return BooleanField(label, description=description, default=schema["default"])
        return StringField(
            label,
            validators=validators(schema),
            description=description,
            default=default(schema),
            widget=BS3TextFieldWidget(),
        )

    return {name: field_of(field) for name, field in _connection_type()["conn-fields"].items()}


def ui_field_behaviour() -> dict[str, Any]:
    """Return the changes to the fields that every connection has.

    :return: ``hidden_fields``, ``relabeling`` and ``placeholders``.
    """
    behaviour = _connection_type()["ui-field-behaviour"]
    return {key.replace("-", "_"): value for key, value in behaviour.items()}


def _connection_type() -> dict[str, Any]:
    (connection_type,) = get_provider_info()["connection-types"]
    return dict(connection_type)
