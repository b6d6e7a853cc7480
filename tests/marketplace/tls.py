"""An authority of our own, and servers that it vouches for, well or badly; and a proxy."""

from __future__ import annotations

import datetime as dt
import ipaddress
import select
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

BODY = b'{"name": "Safe", "serial": 1, "protocol": 1}'
_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Authority:
    """Signs certificates into a folder."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def make(cls, folder: Path, name: str = "ca") -> Authority:
        """Make one."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = _builder(name, key, name).add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        names = ("content_commitment", "data_encipherment", "digital_signature", "encipher_only", "decipher_only")
        usage = dict.fromkeys([*names, "key_agreement", "key_encipherment"], False)
        made = made.add_extension(x509.KeyUsage(key_cert_sign=True, crl_sign=True, **usage), critical=True)
        made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        found = cls(folder, key, made.sign(key, hashes.SHA256()))
        (folder / f"{name}.pem").write_bytes(found.certificate.public_bytes(serialization.Encoding.PEM))
        return found

    def vouch(self, host: str, *, expired: bool = False) -> ssl.SSLContext:
        """Return what a server of this name speaks TLS with."""
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = self.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
        made = _builder(host, key, str(issuer), expired=expired)
        try:
            name: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
        except ValueError:
            name = x509.DNSName(host)
        made = made.add_extension(x509.SubjectAlternativeName([name]), critical=False)
        above = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        signed = made.add_extension(above, critical=False).sign(self.key, hashes.SHA256())
        path = self.folder / f"server-{signed.serial_number}.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


def _builder(
    name: str, key: ec.EllipticCurvePrivateKey, issuer: str, *, expired: bool = False
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 30 * _DAY)
        .not_valid_after(now - _DAY if expired else now + _DAY)
    )


class Secure(ThreadingHTTPServer):
    """Speaks HTTP, over TLS when there is a context; remembers who asked for what with which token."""

    daemon_threads = True

    def __init__(self, context: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.context = context
        self.asked: list[tuple[str, str]] = []
        self.moved_to = ""

    def finish_request(self, request: socket.socket, client_address: object) -> None:  # type: ignore[override]
        """Speak TLS first; a client that does not believe us hangs up."""
        if self.context is None:
            self.RequestHandlerClass(request, client_address, self)  # type: ignore[arg-type]
            return
        try:
            spoken = self.context.wrap_socket(request, server_side=True)
        except OSError:
            return
        with spoken:
            self.RequestHandlerClass(spoken, client_address, self)  # type: ignore[arg-type]

    def handle_error(self, request: object, client_address: object) -> None:
        """Keep quiet: clients hang up here."""


class Handler(BaseHTTPRequestHandler):
    """Answers, sends elsewhere, or is a proxy."""

    server: Secure

    def do_GET(self) -> None:
        """Answer."""
        self.server.asked.append((self.path, self.headers.get("Authorization", "")))
        self.send_response(302 if self.server.moved_to else 200)
        if self.server.moved_to:
            self.send_header("Location", self.server.moved_to)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def do_CONNECT(self) -> None:
        """Pass bytes on, without reading them; whatever the name is, it is this machine."""
        self.server.asked.append((self.path, self.headers.get("Authorization", "")))
        with socket.create_connection(("127.0.0.1", int(self.path.rpartition(":")[2]))) as far:
            self.send_response(200)
            self.end_headers()
            near = self.connection
            while ready := select.select([near, far], [], [], 30)[0]:
                for source in ready:
                    piece = source.recv(65_536)
                    if not piece:
                        self.close_connection = True
                        return
                    (far if source is near else near).sendall(piece)

    def log_message(self, *_args: object) -> None:
        """Keep quiet."""


@contextmanager
def serving(context: ssl.SSLContext | None) -> Iterator[Secure]:
    """Run a server for the length of the block."""
    with Secure(context) as found:
        thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield found
        finally:
            found.shutdown()
            thread.join()
