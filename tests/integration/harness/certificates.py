"""Certificates made by the openssl program: an authority and whom it vouches for."""

import os
import shutil

from .tools import call
from .users import give


def _openssl(*words, **options):
    call("openssl", *words, check=True, **options)


class Authority:
    """PEM files in `folder`: ca.crt, and for each name NAME.crt and NAME.key."""

    def __init__(self, folder, name="ca"):
        self.folder = folder
        self.name = name
        self.file = self.path(name + ".crt")
        _openssl("req", "-x509", *self._key(name), "-days", "2", "-subj", f"/CN={name}", "-out", self.file)

    def path(self, name):
        return os.path.join(self.folder, name)

    def _key(self, name):
        return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-keyout", self.path(name + ".key"))

    def issue(self, name, alternatives="DNS:localhost,IP:127.0.0.1", days=2, owned=False):
        """The certificate and key files of a server or client with these alternative names; `owned` by PostgreSQL's user."""
        request, extensions = self.path(name + ".csr"), self.path(name + ".ext")
        certificate = self.path(name + ".crt")
        with open(extensions, "w", encoding="ascii") as file:
            file.write(f"subjectAltName={alternatives}\n")
        _openssl("req", *self._key(name), "-subj", f"/CN={name}", "-out", request)
        _openssl("x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self.path(self.name + ".key"),
                 "-CAcreateserial", "-days", str(days), "-extfile", extensions, "-out", certificate + ".new")
        os.rename(certificate + ".new", certificate)
        key = self.path(name + ".key")
        os.chmod(key, 0o600)
        if owned:
            give(key)
            give(certificate)
        return certificate, key


def certify(folder, days=2):
    """server.key and a server.crt of `localhost` that is its own authority, in a server's data folder."""
    def openssl(*words):
        _openssl(*words, cwd=folder)

    if not os.path.exists(os.path.join(folder, "server.key")):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", "server.key",
                "-out", "root.crt")
        os.chmod(os.path.join(folder, "server.key"), 0o600)
        give(os.path.join(folder, "server.key"))
    openssl("x509", "-in", "root.crt", "-signkey", "server.key", "-days", str(days), "-out", "server.crt")
    os.chmod(os.path.join(folder, "server.crt"), 0o644)
    return shutil.copy(os.path.join(folder, "server.crt"), os.path.join(folder, "trusted.crt")) if days > 0 else None
