"""Whom Alertmanager tells: a web server that keeps every message.

Example:
    with Webhook() as webhook:
        ...
        webhook.wait("firing", "PgDown", {"instance": "orders-1"}, 60)
        webhook.wait("resolved", "PgDown", {"instance": "orders-1"}, 60)
"""

import http.server
import json
import threading

from .waiting import wait_for


class Webhook(http.server.ThreadingHTTPServer):
    """`told` holds (receiver, alert) in the order of their coming; an alert as Alertmanager writes it."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Message)
        self.told = []
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.thread = threading.Thread(target=self.serve_forever, daemon=True)
        self.thread.start()

    def __exit__(self, *_):
        self.shutdown()
        self.thread.join(10)
        self.server_close()

    def last(self, name, labels):
        """What was told last of an alert: (receiver, alert), or None."""
        wanted = {"alertname": name, **labels}.items()
        return next((each for each in reversed(self.told) if wanted <= each[1]["labels"].items()), None)

    def is_firing(self, name, labels):
        last = self.last(name, labels)
        return last is not None and last[1]["status"] == "firing"

    def wait(self, status, name, labels, seconds):
        """(receiver, alert) of the message with which the alert has the status."""
        def told():
            last = self.last(name, labels)
            return last if last and last[1]["status"] == status else None

        return wait_for(told, f"{name} of {labels} to arrive as {status}", seconds)


class _Message(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.told += [(message["receiver"], alert) for alert in message["alerts"]]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass
