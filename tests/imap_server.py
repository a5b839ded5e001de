"""Dovecot as a real IMAP server over TLS, with one user and one Maildir; only where it is found."""

from __future__ import annotations

import datetime
import getpass
import ipaddress
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

PROGRAM = shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin")
_NOBODY = 65534
USER, PASSWORD = "bounces", "a password of ours"


class ImapServer:
    """Listens on loopback until stop(). `maildir` is what its user's INBOX is."""

    def __init__(self) -> None:
        assert PROGRAM is not None
        # Its processes give up root, and pytest's folders are closed to others.
        self.folder = Path(tempfile.mkdtemp(prefix="imap-"))
        self.folder.chmod(0o755)
        folder, self.maildir = self.folder, self.folder / "mail"
        self.port = _free_port()
        for part in ("new", "cur", "tmp"):
            (self.maildir / part).mkdir(parents=True)
            (self.maildir / part).chmod(0o777)
        self.maildir.chmod(0o777)
        _write_certificate(folder)
        (folder / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
        (folder / "dovecot.conf").write_text(_settings(folder, self.maildir, self.port))
        self._process = subprocess.Popen([PROGRAM, "-F", "-c", str(folder / "dovecot.conf")])
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.1)
            else:
                return
        self.stop()
        raise AssertionError("dovecot did not start")

    @property
    def context(self) -> ssl.SSLContext:
        """Trusts this server's certificate and no other."""
        return ssl.create_default_context(cafile=str(self.folder / "certificate.pem"))

    def deliver(self, *messages: bytes) -> None:
        for place, one in enumerate(messages):
            path = self.maildir / "new" / f"{time.time_ns()}.{place}.example"
            path.write_bytes(one)
            path.chmod(0o666)

    def messages(self) -> int:
        return sum(1 for part in ("new", "cur") for _ in (self.maildir / part).iterdir())

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)


def _settings(folder: Path, maildir: Path, port: int) -> str:
    user = getpass.getuser()
    login = "dovenull" if os.geteuid() == 0 else user
    internal = "dovecot" if os.geteuid() == 0 else user
    # Never as root: dovecot gives root's mail to nobody.
    uid, gid = (_NOBODY, _NOBODY) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
    ids = f"uid={uid} gid={gid} home={maildir}"
    return f"""
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
ssl = required
ssl_cert = <{folder}/certificate.pem
ssl_key = <{folder}/key.pem
default_login_user = {login}
default_internal_user = {internal}
default_internal_group = {internal}
mail_location = maildir:{maildir}
first_valid_uid = 1
first_valid_gid = 1
disable_plaintext_auth = yes
passdb {{
  driver = passwd-file
  args = {folder}/users
}}
userdb {{
  driver = static
  args = {ids}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
"""


def _write_certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number())
    made = made.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
    names: list[x509.GeneralName] = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = made.add_extension(x509.SubjectAlternativeName(names), critical=False)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    (folder / "certificate.pem").write_bytes(made.sign(key, SHA256()).public_bytes(Encoding.PEM))
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").write_bytes(pem)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
