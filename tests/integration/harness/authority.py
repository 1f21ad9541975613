"""An authority of our own and what it signs, made by openssl."""

import os
import subprocess

from .users import give


class Authority:
    """ca.crt in `folder`, and NAME.crt with NAME.key for whom it signs."""

    def __init__(self, folder, name="ca"):
        self.folder, self.name = folder, name
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                      "-days", "2", "-subj", f"/CN={name}", "-keyout", self.path(name, "key"),
                      "-out", self.path(name, "crt"))

    @property
    def certificate(self):
        return self.path(self.name, "crt")

    def path(self, name, ending):
        return os.path.join(self.folder, f"{name}.{ending}")

    def sign(self, name, common_name, alternatives="", servers=False):
        """Certificate and key; those of a server belong to its user."""
        key, request, certificate = (self.path(name, ending) for ending in ("key", "csr", "crt"))
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
                      f"/CN={common_name}", "-keyout", key, "-out", request)
        extensions = self.path(name, "ext")
        with open(extensions, "w", encoding="ascii") as file:
            file.write(f"subjectAltName = {alternatives}\n" if alternatives else "")
        self._openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.path(self.name, "key"),
                      "-CAcreateserial", "-days", "2", "-extfile", extensions, "-out", certificate)
        os.chmod(key, 0o600)
        if servers:
            give(key)
            give(certificate)
        return certificate, key

    @staticmethod
    def _openssl(*words):
        subprocess.run(["openssl", *words], check=True, capture_output=True, timeout=60)
