"""rsyslog as a sender: what comes in at a socket goes out by all the forwards it was given."""

import glob
import os
import socket
import subprocess

from .beacon import ROOT
from .tools import require
from .users import command_as_self
from .waiting import wait_for

_PLACE = os.path.join(os.environ.get("PGB_MATRIX_DIR", os.path.join(ROOT, "build", "tools")), "rsyslog", "usr")
_BASE = """
global(workDirectory="{folder}" net.enableDNS="off" maxMessageSize="64k"
       parser.escapeControlCharactersOnReceive="off" {tls})
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="{socket}" RateLimit.Interval="0")
"""


def forward(port, protocol="tcp", template="RSYSLOG_ForwardFormat", framing=None, tls=False):
    """An action of rsyslog's configuration."""
    words = [f'action(type="omfwd" target="127.0.0.1" port="{port}" protocol="{protocol}" '
             f'template="{template}"']
    if framing:
        words.append(f'TCP_Framing="{framing}"')
    if tls:
        words.append('StreamDriver="ossl" StreamDriverMode="1" StreamDriverAuthMode="anon"')
    return " ".join(words) + ")"


class Rsyslog:
    """Runs until stop(). `tls`: the files of the certificate that it shows to servers."""

    def __init__(self, folder, *forwards, tls=None):
        program = require(os.path.join(_PLACE, "sbin", "rsyslogd"), "rsyslog")
        modules = glob.glob(os.path.join(_PLACE, "lib", "*", "rsyslog"))[0]
        self.socket = os.path.join(folder, "rsyslog.socket")
        files = tls and (f'DefaultNetstreamDriverCAFile="{tls["ca"]}" '
                         f'DefaultNetstreamDriverCertFile="{tls["cert"]}" '
                         f'DefaultNetstreamDriverKeyFile="{tls["key"]}"')
        config = os.path.join(folder, "rsyslog.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(_BASE.format(folder=folder, socket=self.socket, tls=files or ""))
            file.write("\n".join(forwards) + "\n")
        self.output = os.path.join(folder, "rsyslog.out")
        with open(self.output, "wb") as output:
            self.process = subprocess.Popen(
                command_as_self([program, "-n", "-M", modules, "-f", config, "-i",
                                 os.path.join(folder, "rsyslog.pid")]),
                env={**os.environ, "LD_LIBRARY_PATH": os.path.dirname(modules)}, stdin=subprocess.DEVNULL,
                stdout=output, stderr=output)
        wait_for(lambda: os.path.exists(self.socket), "rsyslog to listen")

    def log(self, message, tag="postgres[4711]"):
        """As syslog(3) sends it, without host name."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.connect(self.socket)
            sender.send(f"<134>Nov 20 20:14:23 {tag}: {message}".encode())

    def stop(self):
        self.process.terminate()
        self.process.wait(30)
