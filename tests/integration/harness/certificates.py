"""Certificates made by the openssl program: an authority and whom it vouches for."""

import os
import subprocess


def _openssl(*words):
    subprocess.run(["openssl", *words], check=True, capture_output=True)


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

    def issue(self, name, alternatives="DNS:localhost,IP:127.0.0.1", days=2):
        """The certificate and key files of a server or client with these alternative names."""
        request, extensions = self.path(name + ".csr"), self.path(name + ".ext")
        certificate = self.path(name + ".crt")
        with open(extensions, "w", encoding="ascii") as file:
            file.write(f"subjectAltName={alternatives}\n")
        _openssl("req", *self._key(name), "-subj", f"/CN={name}", "-out", request)
        _openssl("x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self.path(self.name + ".key"),
                 "-CAcreateserial", "-days", str(days), "-extfile", extensions, "-out", certificate + ".new")
        os.rename(certificate + ".new", certificate)
        return certificate, self.path(name + ".key")
