"""A Logplex with HTTPS drains, as Heroku's logplex_http_drain does it.

What matters to a receiver is kept: bodies of octet-counted messages without a separator, frames of
about 100 KiB, an MD5 as frame id, a 5 s timeout, two more attempts with the same id and a backoff,
every 4xx but 429 a loss for good, a buffer of 1024 messages, and an L10 record without line feed in
front of the next body, also of one that is sent again.
"""

import gzip
import hashlib
import http.client
import random
import threading
import time

TIMEOUT = 5.0
ATTEMPTS = 3
FRAME_BYTES = 102400
BUFFER = 1024
RECONNECT = 0.05


def counted(message):
    data = message if isinstance(message, bytes) else message.encode()
    return str(len(data)).encode() + b" " + data


def header(app, process, level=6):
    return f"<{16 * 8 + level}>1 2026-11-20T20:14:23.488512+00:00 host {app} {process} - "


def line(text, app="app", process="postgres.4711"):
    """A message as Logplex frames it: no STRUCTURED-DATA, its line feed inside the count."""
    return header(app, process).encode() + (text if isinstance(text, bytes) else text.encode()) + b"\n"


def l10(messages):
    return ("<172>1 2026-11-20T20:14:25+00:00 host heroku logplex - Error L10 (output buffer overflow): "
            f"{messages} messages dropped since 2026-11-20T20:14:20+00:00.").encode()


class Postgres:
    """What Heroku Postgres prints: numbered records in chunks, with its log_line_prefix."""

    def __init__(self, color="GOLD", pid=4711):
        self.color = color
        self.pid = pid
        self.number = 0

    def _prefix(self, sqlstate):
        return (f' sql_error_code = {sqlstate} time_ms = "2026-11-20 20:14:23.488 UTC" pid="{self.pid}" '
                f'proc_start_time="2026-11-20 20:00:00 UTC" session_id="691f7a10.{self.pid:x}" vtid="3/12" '
                f'tid="0" log_line="{self.number}" database="d1" connection_source="10.0.0.7(5433)" '
                f'user="u1" application_name="web" ')

    def record(self, *lines, sqlstate="00000"):
        """The chunks of one record: its first line, then lines that are fields or continue one."""
        self.number += 1
        chunks = []
        for place, text in enumerate(lines, 1):
            text = text if text.startswith("\t") else self._prefix(sqlstate) + text
            chunks.append(line(f"[{self.color}] [{self.number}-{place}] {text}", process=f"postgres.{self.pid}"))
        return chunks

    def error(self):
        return self.record('ERROR:  relation "missing" does not exist at character 15', sqlstate="42P01")

    def failed_statement(self):
        return self.record('ERROR:  relation "missing" does not exist at character 15',
                           f"STATEMENT:  SELECT {self.number}", "\tFROM missing", "\tWHERE id = 1",
                           sqlstate="42P01")

    def slow_statement(self, ms=2500.125):
        return self.record(f"LOG:  duration: {ms:.3f} ms  statement: SELECT {self.number}", "\tFROM t")


class Frame:
    def __init__(self, messages, lost):
        self.messages = messages
        self.lost = lost
        self.attempts = 0
        self.id = hashlib.md5(b"".join(messages) + str(random.random()).encode()).hexdigest().upper()

    def body(self):
        messages = ([l10(self.lost)] if self.lost else []) + self.messages
        return len(messages), b"".join(map(counted, messages))


class Drain:
    """One drain: log() as an application does, and a thread that delivers. Use as a context manager."""

    def __init__(self, port, token, authorization=None, timeout=TIMEOUT, zipped=False, frame_bytes=FRAME_BYTES,
                 attempts=ATTEMPTS):
        self.port = port  # may change while the receiver is away
        self.token = token
        self.authorization = authorization
        self.timeout = timeout
        self.zipped = zipped
        self.frame_bytes = frame_bytes
        self.most_attempts = attempts
        self.delivered = 0      # messages answered 2xx, L10 records aside
        self.reported = 0       # messages that an L10 answered 2xx told of
        self.frames = 0         # answered 2xx
        self.attempts = 0       # requests that were begun
        self.connections = 0
        self.statuses = []
        self._buffer = []
        self._lost = 0          # dropped, and no L10 has told of it
        self._frame = None
        self._connection = None
        self._stop = False
        self._change = threading.Condition()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def log(self, *messages):
        """Messages for the buffer; what does not fit is dropped, as Logplex does, and told by an L10."""
        with self._change:
            for message in messages:
                if len(self._buffer) >= BUFFER:
                    self._lost += 1
                else:
                    self._buffer.append(message)
            self._change.notify_all()

    def log_and_wait(self, messages, timeout=60):
        """The same without a loss: waits for room."""
        deadline = time.monotonic() + timeout
        for message in messages:
            with self._change:
                if not self._change.wait_for(lambda: len(self._buffer) < BUFFER, deadline - time.monotonic()):
                    raise AssertionError(f"the drain took no more within {timeout} s; {self.statuses[-5:]}")
                self._buffer.append(message)
                self._change.notify_all()

    def wait_empty(self, timeout=60):
        with self._change:
            if not self._change.wait_for(lambda: not self._buffer and self._frame is None, timeout):
                raise AssertionError(f"not delivered within {timeout} s; statuses {self.statuses[-5:]}")

    def lose(self, messages):
        """Pretends that so many messages were dropped."""
        with self._change:
            self._lost += messages

    def close(self):
        with self._change:
            self._stop = True
            self._change.notify_all()
        self._thread.join(self.timeout + 5)
        if self._connection:
            self._connection.close()

    def _run(self):
        while True:
            with self._change:
                self._change.wait_for(lambda: self._stop or self._buffer or self._frame)
                if self._stop:
                    return
                if self._frame is None:
                    self._frame = self._next_frame()
                frame = self._frame
                frame.lost += self._lost  # an L10 that is born between attempts
                self._lost = 0
            self._attempt(frame)

    def _next_frame(self):
        size = 0
        for count, message in enumerate(self._buffer):
            size += len(message)
            if size > self.frame_bytes and count > 0:
                break
        else:
            count = len(self._buffer)
        messages, self._buffer = self._buffer[:count], self._buffer[count:]
        return Frame(messages, 0)

    def _attempt(self, frame):
        status = self._post(frame)
        if status is None:  # no connection: that costs no attempt
            with self._change:
                self._change.wait_for(lambda: self._stop, RECONNECT)
            return
        frame.attempts += 1
        with self._change:
            self.statuses.append(status)
            final = 400 <= status < 500 and status != 429
            if 200 <= status < 300:
                self.delivered += len(frame.messages)
                self.reported += frame.lost
                self.frames += 1
                self._frame = None
            elif final or frame.attempts >= self.most_attempts:
                self._lost += len(frame.messages) + frame.lost
                self._frame = None
            self._change.notify_all()
            if self._frame:
                self._change.wait_for(lambda: self._stop, 0.01 * random.randint(1, 2 ** min(frame.attempts, 6)))

    def _post(self, frame):
        """The status; 0 where none came in time; nothing where there was no connection."""
        count, body = frame.body()
        headers = {"Content-Type": "application/logplex-1", "Logplex-Msg-Count": str(count),
                   "Logplex-Frame-Id": frame.id, "Logplex-Drain-Token": self.token,
                   "User-Agent": "Logplex/v72"}
        if self.authorization:
            headers["Authorization"] = self.authorization
        if self.zipped:
            body = gzip.compress(body)
            headers["Content-Encoding"] = "gzip"
        if self._connection is None:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.timeout)
            try:
                connection.connect()
            except OSError:
                return None
            self.connections += 1
            self._connection = connection
        try:
            self.attempts += 1
            self._connection.request("POST", "/logplex", body, headers)
            response = self._connection.getresponse()
            response.read()
            if response.will_close:
                self._close()
            return response.status
        except (OSError, http.client.HTTPException):
            self._close()
            return 0

    def _close(self):
        self._connection.close()
        self._connection = None
