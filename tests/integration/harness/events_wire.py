"""PostgreSQL's protocol as bytes: what no client library would send."""

import socket
import struct



def text(value):
    return value if isinstance(value, bytes) else value.encode()


def message(kind, *parts):
    body = b"".join(parts)
    return kind + struct.pack("!i", len(body) + 4) + body


def string(value):
    return text(value) + b"\0"


class Wire:
    """One connection. Names and texts may be bytes of any kind but NUL."""

    def __init__(self, server, tcp=False):
        if tcp:
            self.socket = socket.create_connection(("127.0.0.1", server.port), 20)
        else:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(20)
            self.socket.connect(f"{server.sockets}/.s.PGSQL.{server.port}")
        self.buffer = b""
        self.pid = self.key = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, data):
        self.socket.sendall(data)

    def startup(self, user="postgres", database="postgres", password=None, **parameters):
        """The startup packet and what follows up to the first ReadyForQuery or the end."""
        pairs = {"user": user, "database": database, **parameters}
        body = b"".join(string(name) + string(value) for name, value in pairs.items())
        self.send(message(b"", struct.pack("!i", 3 << 16), body, b"\0"))
        while True:
            kind, body = self.read()
            if kind == b"R" and body[:4] == struct.pack("!i", 3):
                self.send(message(b"p", string(password or "wrong")))
            elif kind == b"K":
                self.pid, self.key = struct.unpack("!ii", body)
            elif kind in (b"Z", b""):
                return self

    def read(self):
        """(kind, body) of the next message; (b"", b"") at the end."""
        while len(self.buffer) < 5 or len(self.buffer) < 1 + struct.unpack("!i", self.buffer[1:5])[0]:
            try:
                more = self.socket.recv(65536)
            except ConnectionError:
                more = b""
            if not more:
                return b"", b""
            self.buffer += more
        size = 1 + struct.unpack("!i", self.buffer[1:5])[0]
        kind, body = self.buffer[:1], self.buffer[5:size]
        self.buffer = self.buffer[size:]
        return kind, body

    def until(self, *kinds):
        """Messages up to one of these kinds or the end of the connection."""
        found = []
        while True:
            found.append(self.read())
            if found[-1][0] in kinds or not found[-1][0]:
                return found

    def query(self, sql):
        """A simple query to its end; returns the SQLSTATE it failed with, if it did."""
        self.send(message(b"Q", string(sql)))
        return self.failure(self.until(b"Z"))

    def extended(self, sql, name=b"", portal=b"", values=()):
        """Parse, Bind, Execute, Sync."""
        bound = b"".join(struct.pack("!i", len(text(value))) + text(value) for value in values)
        self.send(message(b"P", string(name), string(sql), struct.pack("!h", 0)) +
                  message(b"B", string(portal), string(name),
                          struct.pack("!hh", 0, len(values)), bound, struct.pack("!h", 0)) +
                  message(b"E", string(portal), struct.pack("!i", 0)) + message(b"S"))
        return self.failure(self.until(b"Z"))

    def bind(self, name, portal=b""):
        self.send(message(b"B", string(portal), string(name), struct.pack("!hhh", 0, 0, 0)) +
                  message(b"S"))
        return self.failure(self.until(b"Z"))

    def execute(self, portal):
        self.send(message(b"E", string(portal), struct.pack("!i", 0)) + message(b"S"))
        return self.failure(self.until(b"Z"))

    def copy(self, sql, data):
        """COPY ... FROM STDIN with `data`."""
        self.send(message(b"Q", string(sql)))
        if self.until(b"G", b"Z")[-1][0] == b"G":
            self.send(message(b"d", text(data)) + message(b"c"))
            return self.failure(self.until(b"Z"))
        return None

    @staticmethod
    def failure(messages):
        for kind, body in messages:
            if kind == b"E":
                return next(part[1:].decode() for part in body.split(b"\0") if part[:1] == b"C")
        return None

    def drain(self):
        """Reads until the server has closed the connection: its process has ended then."""
        self.until()

    def close(self):
        """Terminates the session and waits until its process has ended."""
        try:
            self.send(message(b"X"))
            self.drain()
        except OSError:
            pass
        self.socket.close()


def answer(server, data, tcp=True):
    """Sends bytes on a new connection and reads to its end, which it also brings about."""
    with Wire(server, tcp) as wire:
        wire.send(data)
        wire.socket.shutdown(socket.SHUT_WR)
        got = b""
        while True:
            try:
                more = wire.socket.recv(65536)
            except ConnectionError:
                break
            if not more:
                break
            got += more
        return got
