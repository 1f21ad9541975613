"""Who runs what: PostgreSQL refuses root, so root's tests run it as a user without rights."""

import os
import pwd
import shutil
import subprocess
import tempfile


def _unprivileged():
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("root needs a user 'postgres' or 'nobody' to run PostgreSQL as")


USER = _unprivileged()


def command_as_user(command, death_signal="INT"):
    """`command` as the unprivileged user where we are root; it ends when the test's process does."""
    words = ["setpriv", "--pdeathsig", death_signal]
    if USER:
        words += [f"--reuid={USER.pw_uid}", f"--regid={USER.pw_gid}", "--clear-groups"]
    return words + ["--"] + [str(word) for word in command]


def command_as_self(command, death_signal="TERM"):
    return ["setpriv", "--pdeathsig", death_signal, "--"] + [str(word) for word in command]


def private_folder():
    """A new folder that only the unprivileged user (and root) may enter."""
    path = tempfile.mkdtemp(prefix="pgbeacon-e2e-", dir="/tmp")
    give(path)
    return path


def give(path):
    if USER:
        os.chown(path, USER.pw_uid, USER.pw_gid)


def reachable(path, folder):
    """`path`, or a copy of it in `folder` where the unprivileged user cannot reach the original."""
    if subprocess.run(command_as_user(["test", "-r", path]), check=False).returncode == 0:
        return path.rstrip("/")
    copy = os.path.join(folder, os.path.basename(path.rstrip("/")))
    if os.path.isdir(path):
        shutil.copytree(path, copy, symlinks=True)
    else:
        shutil.copy(path, copy)
    return copy
