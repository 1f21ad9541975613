"""The way between pgbeacon and a server, with the faults that networks have."""

import asyncio
import socket
import threading
import time

BACKLOG = 1 << 20  # bytes under way on a slow link, as the buffers of a router


class Link:
    """Stands before a server's port. Each fault may be switched while connections are open:

    latency   seconds that bytes are under way, in each direction
    rate      bytes per second of each connection, in each direction
    holds     nothing passes any more, but connections stay open
    refuses   who connects is turned away at once
    after     a connection ends after so many bytes of both directions
    """

    def __init__(self, port):
        self.server = port
        self.latency = 0.0
        self.rate = None
        self.refuses = False
        self.after = None
        self.taken = 0
        self.ends = set()
        self._holds = False
        self._loop = asyncio.new_event_loop()
        listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run, args=(listener,), daemon=True)
        self._thread.start()

    def _run(self, listener):
        self._serving = self._loop.run_until_complete(
            self._loop.create_server(lambda: _Client(self), sock=listener))
        self._loop.run_forever()
        self._loop.close()

    def _call(self, work):
        """Does it on the link's own thread."""
        done = threading.Event()

        def step():
            work()
            done.set()

        self._loop.call_soon_threadsafe(step)
        done.wait(5)

    def close(self):
        self.cut()
        self._call(self._serving.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def cut(self):
        """Ends what is open."""
        self._call(lambda: [end.transport.abort() for end in list(self.ends)])

    @property
    def holds(self):
        return self._holds

    @holds.setter
    def holds(self, holds):
        self._holds = holds
        if not holds:
            self._call(lambda: [end.deliver() for end in list(self.ends)])


class _End(asyncio.Protocol):
    """What comes in at one end leaves at the other."""

    def __init__(self, link):
        self.link = link
        self.other = None
        self.transport = None
        self.queue = []  # (due, bytes); None for the end
        self.free = 0.0
        self.passed = [0]

    def connection_made(self, transport):
        self.transport = transport
        self.link.ends.add(self)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data):
        now = time.monotonic()
        self.passed[0] += len(data)
        if self.link.after and self.passed[0] > self.link.after:
            self.transport.abort()
            return
        if self.link.rate:
            self.free = max(self.free, now) + len(data) / self.link.rate
        due = max(self.free, now) + self.link.latency
        self.queue.append((due, data))
        if self.link.rate and self.free - now > BACKLOG / self.link.rate:
            self.transport.pause_reading()
        self._wake(due - now)

    def _wake(self, wait):
        if wait > 0:
            self.link._loop.call_later(wait, self.deliver)
        else:
            self.deliver()

    def deliver(self):
        if self.link.holds or not self.other or not self.other.transport:
            return
        now = time.monotonic() + 0.0005
        while self.queue and self.queue[0][0] <= now:
            data = self.queue.pop(0)[1]
            if data is None:
                self.other.transport.close()
            else:
                self.other.transport.write(data)
        if self.queue:
            self._wake(self.queue[0][0] - now)
        if not self.transport.is_closing():
            self.transport.resume_reading()

    def eof_received(self):
        due = max(self.free, time.monotonic()) + self.link.latency
        self.queue.append((due, None))
        self._wake(due - time.monotonic())
        return True

    def connection_lost(self, _):
        self.link.ends.discard(self)
        if self.other and self.other.transport and not self.queue:
            self.other.transport.abort()


class _Client(_End):
    def connection_made(self, transport):
        super().connection_made(transport)
        self.link.taken += 1
        if self.link.refuses:
            transport.abort()
            return
        self.other = _End(self.link)
        self.other.other = self
        self.other.passed = self.passed
        self.link._loop.create_task(self._connect())

    async def _connect(self):
        try:
            await self.link._loop.create_connection(lambda: self.other, "127.0.0.1", self.link.server)
        except OSError:
            self.transport.abort()
            return
        if self.transport.is_closing():
            self.other.transport.abort()
        self.deliver()


class FullPort:
    """A loopback port whose queue of new connections is full: the kernel drops what else comes, as a
    firewall that drops does."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.port = self._listener.getsockname()[1]
        self._crowd = []
        while True:
            one = socket.socket()
            one.settimeout(0.3)
            self._crowd.append(one)
            try:
                one.connect(("127.0.0.1", self.port))
            except TimeoutError:
                break

    def close(self):
        for one in (*self._crowd, self._listener):
            one.close()
