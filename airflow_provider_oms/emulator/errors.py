"""A refusal, and the bodies in which a tenant may send one.

Which rule refuses what, and with which status, is decided where the rule lives.
"""

from __future__ import annotations

from enum import IntEnum
from http import HTTPStatus
from typing import Literal

from starlette.responses import Response

from airflow_provider_oms.emulator.wire import dump_json

Shape = Literal["platform", "classic", "fulfillment", "html", "empty"]


class OmsCode(IntEnum):
    """The OMS's own codes, by their documented names."""

    GENERIC_NOT_FOUND = 5002
    GENERIC_BAD_REQUEST = 5003
    GENERIC_NOT_AUTHORIZED = 5004
    GENERIC_NOT_ALLOWED = 5005
    GENERIC_SERVER_ERROR = 5006
    MISSING_REQUEST_DATA = 5011
    INVALID_ID = 5013
    INVALID_QUERY_PARAM = 5014
    INVALID_REQUEST_DATA = 5015
    NO_VALID_QUERY_PARAMS = 5017


class ApiError(Exception):
    """A refusal on its way to the client.

    :param status: the HTTP status.
    :param code: the OMS's code, which also names the platform's unless `error_code` is given; None
        in the native API, which has none.
    :param message: one sentence for people.
    :param error_code: the platform's `errorCode`.
    :param origin: `layer` follows the error_body switch; `gateway` does so but for `classic`;
        `token` and `classic` have one fixed shape.
    """

    def __init__(
        self,
        status: int,
        code: OmsCode | None,
        message: str,
        *,
        error_code: str | None = None,
        origin: Literal["layer", "gateway", "token", "classic"] = "layer",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.error_code = error_code or (code.name if code else "UNEXPECTED_ERROR")
        self.origin: Literal["layer", "gateway", "token", "classic"] = origin

    def shape(self, error_body: Shape) -> Shape:
        """Choose this error's body.

        :param error_body: the tenant's switch.
        """
        if self.origin == "token":
            return "platform"
        if self.origin == "classic":
            return "classic"
        if self.origin == "gateway" and error_body == "classic":
            return "platform"
        return error_body


def bad_field(code: OmsCode, message: str) -> ApiError:
    """Make the 400 for a request whose content breaks a rule.

    :param code: the OMS's code.
    :param message: which rule.
    """
    return ApiError(400, code, message)


def native_error(status: int, error_code: str, message: str) -> ApiError:
    """Make a refusal of the native API.

    :param status: the HTTP status.
    :param error_code: the platform's `errorCode`.
    :param message: one sentence for people.
    """
    return ApiError(status, None, message, error_code=error_code)


def json_answer(payload: object, status: int = 200) -> Response:
    """Make an answer out of a JSON value.

    :param payload: the value.
    :param status: the HTTP status.
    """
    return Response(dump_json(payload), status_code=status, media_type="application/json")


def render(error: ApiError, error_body: Shape, correlation: str) -> Response:
    """Turn a refusal into the answer that carries it.

    :param error: the refusal.
    :param error_body: the tenant's switch.
    :param correlation: the id that this exchange goes by.
    """
    shape = error.shape(error_body)
    if shape == "empty":
        return Response(status_code=error.status)
    if shape == "html":
        phrase = next((one.phrase for one in HTTPStatus if one == error.status), "Error")
        title = f"{error.status} {phrase}"
        page = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
        return Response(page, status_code=error.status, media_type="text/html")
    if shape == "classic" and error.code is not None:
        return json_answer(
            {"code": int(error.code), "message": error.message, "additionalInfo": error.code.name},
            error.status,
        )
    if shape == "fulfillment":
        item = {"code": error.error_code, "message": error.message}
        return json_answer({**item, "errors": [item]}, error.status)
    oms_code = [] if error.code is None else [{"name": "omsCode", "value": str(int(error.code))}]
    return json_answer(
        {
            "applicationName": "OMS emulator",
            "errorCode": error.error_code,
            "message": error.message,
            "items": [],
            "additionalErrorData": oms_code,
            "exceptionDetail": None,
            "subErrorCode": None,
            "correlationId": correlation,
        },
        error.status,
    )
