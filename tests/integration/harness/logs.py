"""Log files that tests write themselves, and an independent count of what a server wrote."""

import collections
import gzip
import re

from .postgres import PREFIX

_HEAD = re.compile(r"^\S+ \S+ UTC \[\d+\] (?:(?P<user>\S*?)@(?P<db>\S*?)/(?P<app>.*?) )?"
                   r"(?P<severity>DEBUG|INFO|NOTICE|WARNING|LOG|ERROR|FATAL|PANIC):  (?P<text>.*)$")


class Tail:
    """A log writer: numbered errors (42P01) in the server's own form, prefix '%m [%p] '."""

    PREFIX = "%m [%p] "

    def __init__(self, path):
        self.path = path
        self.written = 0

    def lines(self, count):
        """`count` records of two lines each; the text is returned, not written."""
        out = []
        for _ in range(count):
            self.written += 1
            head = f"2026-01-01 00:00:{self.written % 60:02d}.000 UTC [{4000 + self.written % 7}] "
            out.append(f'{head}ERROR:  relation "missing" does not exist at character 15\n'
                       f"{head}STATEMENT:  select * from missing -- {self.written}\n")
        return "".join(out)

    def append(self, count=1):
        with open(self.path, "a", encoding="utf-8") as log:
            log.write(self.lines(count))


def count_messages(text):
    """Severity -> count, and text of each record, of a log written with postgres.PREFIX.

    Only heads count: DETAIL, HINT, CONTEXT, QUERY and STATEMENT lines belong to a record. Records
    of application pgbeacon stand under "own".
    """
    assert PREFIX == "%m [%p] %q%u@%d/%a "
    counts = {"own": collections.Counter(), "others": collections.Counter()}
    texts = []
    for line in text.splitlines():
        match = _HEAD.match(line)
        if not match:
            continue
        whose = "own" if match["app"] == "pgbeacon" else "others"
        counts[whose][match["severity"]] += 1
        if whose == "others":
            texts.append(match["text"])
    return counts, texts


def write_gzip(path, text):
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write(text)
