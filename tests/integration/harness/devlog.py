"""A syslog daemon's part: what servers send to /dev/log, written to files as such daemons do.

PostgreSQL logs with syslog(3), which knows no other address than /dev/log. The server therefore runs
in a mount namespace of its own whose /dev/log leads to the test's socket. Where namespaces are
forbidden (a container without rights), root takes /dev/log itself if nobody listens there.
"""

import fcntl
import os
import re
import socket
import threading

from .mounts import unshared
from .users import give
from .waiting import wait_for

_NAMESPACE = r"""
new=$1/dev socket=$2
shift 2
mkdir -p "$new"
mount -t tmpfs -o mode=755 dev "$new"
for node in null zero full random urandom tty; do
  touch "$new/$node"
  mount --bind "/dev/$node" "$new/$node"
done
mkdir "$new/shm"
mount --rbind /dev/shm "$new/shm"
ln -s "$socket" "$new/log"
mount --rbind "$new" /dev
exec "$@"
"""
_DATAGRAM = re.compile(rb"^<\d+>(?P<time>\w{3} [ \d]\d \d\d:\d\d:\d\d) (?P<ident>[^\[]+)"
                       rb"(?P<rest>.*)$", re.DOTALL)
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_LAST = b"<46>Jan  1 00:00:00 devlog[1]: "


def with_dev_log(command, folder, path):
    """`command` in surroundings where /dev/log is the socket at `path`; nothing where the kernel forbids
    mount namespaces."""
    unshare = unshared()
    return unshare and [*unshare, "--", "sh", "-euc", _NAMESPACE, "sh", folder, path, *command]


class Devlog:
    """Receives until close(). What a server of one syslog_ident sent stands in two files: raw(ident)
    keeps each datagram as it came, priority included; file(ident) is what rsyslog's traditional
    format makes of it: a host name, control characters as #ooo."""

    def __init__(self, folder):
        self.folder = folder
        self.unshare = unshared()
        self.lock = None
        self.path = os.path.join(folder, "devlog") if self.unshare else self._take_dev_log()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.socket.bind(self.path)
        os.chmod(self.path, 0o666)
        give(self.path)
        self.marks = 0
        self.seen = 0
        self.thread = threading.Thread(target=self._receive, daemon=True)
        self.thread.start()

    def raw(self, ident="postgres"):
        return os.path.join(self.folder, f"syslog.{ident}.raw")

    def file(self, ident="postgres"):
        return os.path.join(self.folder, f"syslog.{ident}.log")

    def _take_dev_log(self):
        if os.geteuid() != 0:
            raise AssertionError("PostgreSQL's syslog cannot be received: no mount namespace may be made here")
        self.lock = open("/tmp/pgbeacon-devlog.lock", "w", encoding="ascii")
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        if os.path.exists("/dev/log"):
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
                if probe.connect_ex("/dev/log") == 0:
                    raise AssertionError("PostgreSQL's syslog cannot be received: no mount namespace may be made "
                                         "here, and another program listens at /dev/log")
            os.unlink("/dev/log")
        return "/dev/log"

    def wrap(self, command):
        """`command` in surroundings where /dev/log is this socket."""
        if self.lock:
            return command
        return with_dev_log(command, self.folder, self.path)

    def settle(self):
        """Returns when everything that was sent before has been written."""
        self.marks += 1
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(_LAST, self.path)
        wait_for(lambda: self.seen >= self.marks, "the syslog receiver")

    def _receive(self):
        while True:
            datagram = self.socket.recv(1 << 20)
            if datagram == b"":
                return
            if datagram == _LAST:
                self.seen += 1
                continue
            datagram = datagram.rstrip(b"\n\0")
            match = _DATAGRAM.match(datagram)
            ident = match["ident"].decode()
            escaped = _CONTROL.sub(lambda byte: b"#%03o" % byte[0][0], match["rest"])
            with open(self.raw(ident), "ab") as raw, open(self.file(ident), "ab") as file:
                raw.write(datagram + b"\n")
                file.write(match["time"] + b" host " + match["ident"] + escaped + b"\n")

    def close(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"", self.path)
        self.thread.join(20)
        self.socket.close()
        os.unlink(self.path)
        if self.lock:
            self.lock.close()
