"""Names of hosts, and TLS in front of a plain server, with a certificate that is made here."""

from __future__ import annotations

import select
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ...faults.server import HostileServer
from ..conftest import answer_honestly


@pytest.fixture(scope="session")
def named(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    """A server's side of TLS, with a certificate for rerank.test only; and that certificate."""
    return certified(tmp_path_factory.mktemp("tls"), "rerank.test")


def certified(folder: Path, name: str) -> tuple[ssl.SSLContext, Path]:
    """A server's side of TLS with a new certificate for this name, and the certificate."""
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    made += ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"]
    made += ["-keyout", str(folder / "key"), "-out", str(folder / "certificate")]
    try:
        subprocess.run(made, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("no openssl to make a certificate with")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate", folder / "key")
    return context, folder / "certificate"


class Tls:
    """Hands what arrives over TLS on to a plain server, and keeps the names that were asked for."""

    def __init__(self, context: ssl.SSLContext, server: HostileServer) -> None:
        self.names: list[str | None] = []
        context.sni_callback = lambda _, name, __: self.names.append(name)
        self._context, self._server = context, server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                visitor, _ = self._listener.accept()
                threading.Thread(target=self._hand_on, args=(visitor,), daemon=True).start()
            except OSError:
                return

    def _hand_on(self, visitor: socket.socket) -> None:
        # In one thread: OpenSSL's connections are not for two at a time.
        visitor.settimeout(10)
        try:
            with (
                self._context.wrap_socket(visitor, server_side=True) as secure,
                socket.create_connection(self._server.address) as onward,
            ):
                others = {secure: onward, onward: secure}
                while ready := (
                    [secure] if secure.pending() else select.select([*others], [], [], 10)[0]
                ):
                    for source in ready:
                        if not (part := source.recv(65536)):
                            return
                        others[source].sendall(part)
        except OSError:
            return

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def resolve(monkeypatch: pytest.MonkeyPatch, name: str, *addresses: str) -> list[str]:
    """Has `name` resolved to these; the names of the threads that asked."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def look_up(host: Any, port: Any, *rest: Any, **about: Any) -> Any:
        if host not in (name, name.encode()):
            return real(host, port, *rest, **about)
        asked.append(threading.current_thread().name)
        return [found for address in addresses for found in real(address, port, *rest, **about)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


@pytest.fixture
def tls(named: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Tls]:
    """TLS that our clients trust, in front of a server that answers well."""
    context, certificate = named
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setattr("assisters_rerank.net.clients._TLS", {})
    with HostileServer([answer_honestly]) as server:
        made = Tls(context, server)
        yield made
        made.close()
