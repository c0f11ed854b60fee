"""Serving a tenant over HTTP: the socket, uvicorn, and an end without delay.

Command line and printing are `__main__`'s.
"""

from __future__ import annotations

import asyncio
import ipaddress
import signal
import socket
from collections.abc import Callable
from types import FrameType
from typing import Final, NoReturn

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from airflow_provider_oms.emulator.api import build_api
from airflow_provider_oms.emulator.control import build_control
from airflow_provider_oms.emulator.native.api import build_native_api
from airflow_provider_oms.emulator.pipeline import Connection, Pipeline
from airflow_provider_oms.emulator.tenant import Tenant

_SECONDS_TO_FINISH: Final = 1
# Longer than any client keeps a connection that it has no use for, so that it is never the
# emulator that closes one at the very moment of a request.
_SECONDS_IDLE: Final = 75


class AddressError(Exception):
    """The emulator can not listen where it was told to; the message says why."""


class _Protocol(H11Protocol):
    """A connection that the application knows and can close, which some faults do."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self.app_state = {**self.app_state, "connection": Connection(transport)}


class _Server(uvicorn.Server):
    """A uvicorn server that tells when it accepts connections."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            self._ready()


def bind(host: str, port: int, *, allow_remote: bool) -> socket.socket:
    """Take an address to listen on.

    :param host: a name or an address.
    :param port: a port, or 0 for any that is free.
    :param allow_remote: whether other machines may reach the emulator.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise AddressError(f"{host} is no address: {error}") from error
    if not allow_remote and not ipaddress.ip_address(str(address[0])).is_loopback:
        raise AddressError(
            f"{host} is not a loopback address: other machines could reach the emulator, whose "
            "control API asks for no credentials. Give --allow-remote to accept that."
        )
    # With its protocol by name: asyncio lets small answers leave at once on such sockets only.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen()
    except OSError as error:
        listener.close()
        raise AddressError(f"{host}:{port} can not be listened on: {error.strerror}") from error
    return listener


def url_of(listener: socket.socket) -> str:
    """Return the base URL of the server on a socket.

    :param listener: the bound socket.
    """
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve(tenant: Tenant, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Serve a tenant until a signal ends the process.

    :param tenant: the tenant.
    :param listener: the bound socket.
    :param ready: called once connections are accepted.
    """
    # uvicorn shuts down at a signal and then raises it again, which comes to this handler.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)
    config = uvicorn.Config(
        Pipeline(build_api(tenant), build_native_api(tenant), build_control(tenant), tenant),
        # One implementation everywhere, whatever else happens to be installed.
        loop="asyncio",
        http=_Protocol,
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        timeout_keep_alive=_SECONDS_IDLE,
        timeout_graceful_shutdown=_SECONDS_TO_FINISH,
    )
    asyncio.run(_Server(config, ready).serve(sockets=[listener]))


def _end(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)
