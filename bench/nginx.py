"""nginx between a contender and the stub, with a limit of `limit_req` or of `limit_conn`."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.limiter import BURST, Limit
from bench.servers import serving
from demo.processes import find_program, free_port

_CONFIGURATION = """
daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{ worker_connections 1024; }}
http {{
  log_format requests '$status $request_method $upstream_status';
  access_log {directory}/access.log requests;
  client_body_temp_path {directory}/bodies;
  proxy_temp_path {directory}/answers;
  fastcgi_temp_path {directory}/unused;
  uwsgi_temp_path {directory}/unused;
  scgi_temp_path {directory}/unused;
  {zone}
  map $status $retry_after {{ default ""; {status} "{retry_after}"; }}
  upstream stub {{ server 127.0.0.1:{stub_port}; keepalive 64; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      {limit}
      add_header Retry-After $retry_after always;
      proxy_pass http://stub;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_next_upstream off;
      error_page 502 = @dropped;
    }}
    # The stub drops a connection, and so does nginx: it would answer 502.
    location @dropped {{ return 444; }}
  }}
}}
"""


def find() -> str:
    return find_program("nginx", "nginx-light")


def version(program: str) -> str:
    """Return what nginx calls itself, such as `nginx/1.22.1`."""
    done = subprocess.run([program, "-v"], capture_output=True, text=True, check=True)
    return done.stderr.rpartition(" ")[2].strip()


def configuration(limit: Limit, directory: Path, *, port: int, stub_port: int) -> str:
    if limit.rate:
        zone = f"limit_req_zone $binary_remote_addr zone=one:1m rate={limit.rate:.0f}r/s;"
        rule = f"limit_req zone=one burst={BURST} nodelay; limit_req_status {limit.status};"
    else:
        zone = "limit_conn_zone $binary_remote_addr zone=one:1m;"
        rule = f"limit_conn one {limit.at_a_time}; limit_conn_status {limit.status};"
    return _CONFIGURATION.format(
        directory=directory,
        zone=zone,
        limit=rule,
        status=limit.status,
        retry_after="" if limit.retry_after is None else limit.retry_after,
        port=port,
        stub_port=stub_port,
    )


@dataclass(frozen=True)
class Nginx:
    """Hold an nginx that runs.

    :param status: of its response to a request beyond its limit.
    """

    url: str
    log: Path
    status: int

    def turned_away(self) -> tuple[int, int]:
        """Return how many requests its limit did not let through, and how many were cancels."""
        # An answer that the stub gave names the stub's status too.
        lines = self.log.read_text(encoding="ascii").splitlines()
        posts, others = lines.count(f"{self.status} POST -"), lines.count(f"{self.status} GET -")
        return posts + others, posts


@contextmanager
def running(program: str, limit: Limit, directory: Path, stub_port: int) -> Iterator[Nginx]:
    """Run nginx for the length of a `with` block; its limit begins with nothing used."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    port = free_port()
    text = configuration(limit, directory, port=port, stub_port=stub_port)
    with started(program, directory, text, port):
        yield Nginx(f"http://127.0.0.1:{port}", directory / "access.log", limit.status)


@contextmanager
def started(program: str, directory: Path, text: str, port: int) -> Iterator[None]:
    settings, errors = directory / "nginx.conf", directory / "error.log"
    settings.write_text(text, "utf-8")
    command = [program, "-e", str(errors), "-p", str(directory), "-c", str(settings)]
    with serving(command, directory, port, name="nginx"):
        yield
