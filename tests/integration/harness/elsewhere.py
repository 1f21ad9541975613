"""A network of its own for pgbeacon, joined to ours by a cable that a test may unplug or make swallow all."""

import contextlib
import ctypes
import json
import os
import subprocess
import unittest

_LIBC = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000


def _ip(*words, inside=None):
    command = ["ip", *(["-n", inside] if inside else []), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


class Elsewhere:
    """`here` is our address as the other network sees it. The names hold the process id, so that tests may run
    side by side."""

    def __init__(self):
        if os.geteuid() != 0:
            raise unittest.SkipTest("networks are root's to make")
        number = os.getpid() % 16000
        self.name = f"pgb{os.getpid()}"
        self.ours, self.theirs = f"pgbh{os.getpid()}", f"pgbn{os.getpid()}"
        subnet = f"10.{200 + number // 4000}.{number // 63 % 256}"
        self.here, self.there = f"{subnet}.1", f"{subnet}.2"
        try:
            _ip("netns", "add", self.name)
        except (OSError, RuntimeError) as no:
            raise unittest.SkipTest(f"no network can be made here: {no}") from no
        _ip("link", "add", self.ours, "type", "veth", "peer", "name", self.theirs, "netns", self.name)
        _ip("address", "add", f"{self.there}/30", "dev", self.theirs, inside=self.name)
        _ip("link", "set", self.theirs, "up", inside=self.name)
        _ip("link", "set", "lo", "up", inside=self.name)
        self.connect()
        # Who swallows packets answers no question for its address either: theirs is not to ask.
        address = json.loads(_ip("-json", "link", "show", self.ours))[0]["address"]
        _ip("neighbour", "replace", self.here, "lladdr", address, "dev", self.theirs, "nud", "permanent",
            inside=self.name)

    def connect(self):
        _ip("address", "replace", f"{self.here}/30", "dev", self.ours)
        _ip("link", "set", self.ours, "up")

    def swallow(self):
        """What comes to us is dropped without a word, as is what we send."""
        _ip("address", "del", f"{self.here}/30", "dev", self.ours)

    def unplug(self):
        _ip("link", "set", self.ours, "down")

    def close(self):
        for words in (("link", "del", self.ours), ("netns", "del", self.name)):
            with contextlib.suppress(RuntimeError):
                _ip(*words)

    def command(self):
        """What to put before a program that is to run there."""
        return ["ip", "netns", "exec", self.name]

    @contextlib.contextmanager
    def visit(self):
        """Sockets that this thread makes meanwhile belong to that network."""
        with open("/proc/thread-self/ns/net", "rb") as home, open(f"/run/netns/{self.name}", "rb") as away:
            _enter(away)
            try:
                yield
            finally:
                _enter(home)


def _enter(namespace):
    if _LIBC.setns(namespace.fileno(), _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")
