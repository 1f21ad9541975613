"""Programs with mounts of their own."""

import os
import subprocess

_TMPFS = 'mount -t tmpfs -o "size=$1" none "$2"; shift 2; exec "$@"'


def unshared():
    """The command that gives a program mounts of its own; nothing where the kernel forbids it."""
    command = ["unshare", "--mount"]
    if os.geteuid() != 0:
        command += ["--user", "--map-current-user", "--keep-caps"]
    tried = subprocess.run([*command, "--", "true"], capture_output=True, check=False)
    return command if tried.returncode == 0 else None


def with_tmpfs(folder, size):
    """What to put before a command that is to find a small file system at `folder`; nothing where the kernel
    forbids mount namespaces."""
    unshare = unshared()
    return unshare and [*unshare, "--", "sh", "-euc", _TMPFS, "sh", str(size), folder]
