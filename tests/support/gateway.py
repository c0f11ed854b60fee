"""A real nginx in front of an OMS, which lets in who shows a client certificate that it trusts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme

from bench import nginx
from demo.processes import free_port

_CONFIGURATION = """
daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log {directory}/access.log;
  client_body_temp_path {directory}/bodies;
  proxy_temp_path {directory}/answers;
  fastcgi_temp_path {directory}/unused;
  uwsgi_temp_path {directory}/unused;
  scgi_temp_path {directory}/unused;
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {directory}/server.pem;
    ssl_certificate_key {directory}/server.pem;
    ssl_client_certificate {directory}/clients.pem;
    ssl_verify_client on;
    ssl_protocols {protocols};
    location / {{
      {rule}
      proxy_pass {oms};
      proxy_http_version 1.1;
      proxy_set_header X-Client $ssl_client_s_dn;
    }}
  }}
}}
"""


@dataclass(frozen=True)
class Pair:
    """Hold the files of a certificate.

    :param both: certificate and key in one.
    :param certificate: the certificate alone.
    :param key: the key alone.
    """

    both: str
    certificate: str
    key: str


def pair(authority: trustme.CA, directory: Path, name: str, *more: str) -> Pair:
    """Issue a certificate and write it down.

    :param authority: issues it.
    :param directory: where the files go.
    :param name: the name that it is for, and that of the files.
    :param more: names that it is for as well.
    """
    directory.mkdir(exist_ok=True)
    made = authority.issue_cert(name, *more, common_name=name)
    files = Pair(*(str(directory / f"{name}{part}.pem") for part in ("", "-cert", "-key")))
    made.private_key_and_cert_chain_pem.write_to_path(files.both)
    made.cert_chain_pems[0].write_to_path(files.certificate)
    made.private_key_pem.write_to_path(files.key)
    return files


@contextmanager
def gateway(
    program: str,
    directory: Path,
    *,
    oms: str,
    server: Pair,
    clients: trustme.CA,
    protocols: str = "TLSv1.2 TLSv1.3",
    rule: str = "",
) -> Iterator[int]:
    """Run nginx for the length of a `with` block, and give its port.

    :param program: its path.
    :param directory: where it works.
    :param oms: the address of the server behind it.
    :param server: its own certificate.
    :param clients: the authority of the clients that it lets in.
    :param protocols: the versions of TLS that it speaks.
    :param rule: the check that it makes before it passes a request on.
    """
    directory.mkdir()
    port = free_port()
    (directory / "server.pem").write_bytes(Path(server.both).read_bytes())
    clients.cert_pem.write_to_path(directory / "clients.pem")
    text = _CONFIGURATION.format(
        directory=directory, port=port, oms=oms, protocols=protocols, rule=rule
    )
    with nginx.started(program, directory, text, port):
        yield port
