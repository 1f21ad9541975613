"""Certificates for servers, made by openssl."""

import os
import shutil
import subprocess

from .users import give


def certify(folder, days=2):
    """server.key and a server.crt of `localhost` that is its own authority, in a server's data folder."""
    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=folder, capture_output=True, check=True)

    if not os.path.exists(os.path.join(folder, "server.key")):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", "server.key",
                "-out", "root.crt")
        os.chmod(os.path.join(folder, "server.key"), 0o600)
        give(os.path.join(folder, "server.key"))
    openssl("x509", "-in", "root.crt", "-signkey", "server.key", "-days", str(days), "-out", "server.crt")
    os.chmod(os.path.join(folder, "server.crt"), 0o644)
    return shutil.copy(os.path.join(folder, "server.crt"), os.path.join(folder, "trusted.crt")) if days > 0 else None
