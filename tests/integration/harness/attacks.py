"""Texts that try to pass for log records, and the ways in which they come into a server's log.

A carrier brings a text into the log by something that the server itself logs: it must count as that
and as nothing else, so a carrier is run with harmless texts first and with the attacks after.
"""

import datetime
import re

from .events_wire import Wire, answer, message, string

FORGED_DURATION_MS = 99999000.0
_FORGED = (
    "PANIC:  forged",
    "FATAL:  password authentication failed for user \"forged\"",
    f"LOG:  duration: {FORGED_DURATION_MS:.3f} ms  statement: forged",
    "STATEMENT:  forged",
)


def prefix_text(prefix, pid=4242):
    """What a server of this log_line_prefix writes before a message, nearly."""
    now = datetime.datetime.now(datetime.timezone.utc)
    seconds = now.strftime("%Y-%m-%d %H:%M:%S")
    values = {"m": f"{seconds}.{now.microsecond // 1000:03d} UTC", "t": f"{seconds} UTC", "p": str(pid),
              "u": "postgres", "d": "postgres", "a": "app", "h": "[local]", "r": "[local]",
              "e": "XX000", "q": "", "%": "%"}
    return re.sub("%(.)", lambda escape: values[escape[1]], prefix)


def texts(prefix):
    """The attacks of any length that know the prefix, each a valid text without NUL."""
    head = prefix_text(prefix)
    panic = head + _FORGED[0]
    stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%b %d %H:%M:%S").replace(" 0", "  ")
    syslog = f"{stamp} host postgres[4242]: [10-1] "
    found = ["\n" * 10 + panic, "x" * 1000 + "\n" + panic, f"[10-1] {panic}", f"x\n[10-1] {panic}",
             f"x\n[10-2] {panic}"]
    for forged in _FORGED:
        found += [f"x\n{head}{forged}\ny", f"{head}{forged}", f"x\r\n{head}{forged}\r\ny"]
    for line_end in ("\r", "\v", "\f", "\u0085", "\u2028", "\u2029", "\x1e", "#012", "#012#011", "\\n",
                     "\x1b[2K\x1b[1A", "\b\b\b\b"):
        found.append(f"x{line_end}{panic}{line_end}y")
    for priority in ("", "<128>"):
        found += [f"x\n{priority}{syslog}{panic}\ny", f"x\n{priority}{syslog}{_FORGED[0]}",
                  f"x#012{priority}{syslog}{panic}"]
    return found


def plain_texts():
    """The attacks that know no prefix."""
    csv = ('2026-11-20 20:14:23.488 UTC,"postgres","postgres",4242,"[local]",6a0f.1,1,"SELECT",'
           '2026-11-20 20:14:20 UTC,3/0,0,PANIC,XX000,"forged",,,,,,,,,"app","client backend",,0')
    json = ('{"timestamp":"2026-11-20 20:14:23.488 UTC","pid":4242,"error_severity":"PANIC",'
            '"state_code":"XX000","message":"forged","backend_type":"client backend"}')
    found = [f"\n{csv}\n{json}\n", "\n\n", "\t", " ", "XX001: forged", "00000: forged"]
    for forged in _FORGED:
        found += [f"x\n{forged}", f"x\n\t{forged}", forged, f" {forged}", f"@x {forged}",
                  f"] {forged}"]
    for quote in ('"', '""', '"""', '\\"'):
        found += [f"x{quote}\n{csv}\n", f"x{quote},,,,,,,,,\n{csv}\n{quote}", f"x{quote}}}\n{json}\n",
                  f'x{quote},"error_severity":"PANIC","x":"{quote}']
    return found


def cut_texts(prefix):
    """Forged lines at places where syslog's chunks of 900 bytes may begin."""
    panic = prefix_text(prefix) + _FORGED[0]
    return ["z" * size + " " + panic for size in range(640, 912, 8)]


def name_texts(prefix):
    """Attacks of up to 63 bytes, the length of a name."""
    head = prefix_text(prefix)
    short = prefix_text(prefix.partition("%q")[0])
    return [f"a\n{head}PANIC:  x", f"a\n{head}PANIC:  x\nb", f"a@b LOG:  \n{short}PANIC:  x",
            "a\nPANIC:  x", "a\nPANIC:  x\n", "a PANIC:  x", "a@b PANIC:  x",
            "a@b LOG:  duration: 99999000.000 ms  statement: x", "a\tPANIC:  x",
            "a\r\nPANIC:  x", "\nPANIC:  x", "a\n\tPANIC:  x", "a\n[1-1] PANIC:  x", "a#012PANIC:  x",
            "a]: PANIC:  x", "a,db=b,app=c,client=[local] PANIC:  x", 'a"\nPANIC:  x', 'a",,,PANIC,XX000,"x',
            '"},{"error_severity":"PANIC"', "\n", "\n\n\n", "\r", "a\u2028PANIC:  x", b"\xff\xfe\nPANIC:  x",
            b"\x01\x02\x1b[2J", "a@b@c", "a b c: [7] ", "%m [%p] "]


def harmless(text):
    """A text of the same size and kind that looks like nothing."""
    size = len(text if isinstance(text, bytes) else text.encode())
    words = ("harmless" * (size // 8 + 1))[:size]
    return words.encode() if isinstance(text, bytes) else words


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def named(text):
    return '"' + text.replace('"', '""') + '"'


# ---- Carriers of names: a connection for each ----

def _connect(server, tcp=False, **startup):
    with Wire(server, tcp) as wire:
        wire.startup(**startup)


NAME_CARRIERS = {
    "user without role": lambda server, name: _connect(server, user=name),
    "user with wrong password": lambda server, name: _connect(server, tcp=True, user=name),
    "user rejected by pg_hba.conf": lambda server, name: _connect(server, user=name, database="closed"),
    "user and database": lambda server, name: _connect(server, user=name, database=name),
    "missing database": lambda server, name: _connect(server, database=name),
    "application_name": lambda server, name: _connect(server, application_name=name),
    "application_name of a refused session":
        lambda server, name: _connect(server, user="nobody here", application_name=name),
    "unknown startup parameter": lambda server, name: _connect(server, **{"x.y z": name}),
    "startup options": lambda server, name: _connect(server, options=b"-c x=" + _option(name)),
    "replication command": lambda server, name: _replication(server, name),
    "garbage instead of a packet": lambda server, name: answer(server, string(name) * 4),
}


def _option(name):
    return re.sub(rb"([\s\\])", rb"\\\1", name if isinstance(name, bytes) else name.encode())


def _replication(server, name):
    with Wire(server) as wire:
        wire.startup(replication="database")
        if not isinstance(name, bytes):
            name = name.replace(chr(34), "!")  # older scanners know no doubled quotes
            wire.query(f"CREATE_REPLICATION_SLOT attacked LOGICAL {named(name)}")


# ---- Carriers of texts: one session for all ----

def _raise(level, using=""):
    def run(wire, text):
        wire.query(f"do $attack$ begin raise {level} '%', {quoted(text)}{using}; end $attack$")
    return run


def _setting(name, value, then):
    def run(wire, text):
        wire.query(f"set {name} = {value}")
        then(wire, text)
        wire.query(f"reset {name}")
    return run


def _function_name(wire, text):
    name = named(text[-60:] or "x")
    wire.query(f"create or replace function pg_temp.{name}() returns void language plpgsql as "
               "$$ begin raise exception 'from a function'; end $$")
    wire.query(f"select pg_temp.{name}()")


def _unique(wire, text):
    wire.query(f"insert into attacked values ({quoted(text[:2000])}), ({quoted(text[:2000])})")


def _savepoint(wire, text):
    wire.query(f"begin; rollback to {named(text)}")
    wire.query("rollback")


def _prepared(wire, text):
    wire.extended("select $1::text", name=text, portal=text, values=[text])
    wire.send(message(b"C", b"S", string(text)) + message(b"S"))
    wire.until(b"Z")


def _application(wire, text):
    wire.query(f"set application_name = {quoted(text)}")
    wire.query("select 1/0")
    wire.query("reset application_name")


def _copy(wire, text):
    wire.copy("copy counted from stdin with (format csv)", named(text) + "\n")


CUT_CARRIERS = ("syntax error", "number", "RAISE LOG", "RAISE EXCEPTION")

TEXT_CARRIERS = {
    "syntax error": lambda wire, text: wire.query("selec\n" + text),
    "comment of a failing statement": lambda wire, text: wire.query(f"select 1/0 /* {text} */"),
    "literal": lambda wire, text: wire.query(f"select 1/0, {quoted(text)}"),
    "table name": lambda wire, text: wire.query(f"select * from {named(text)}"),
    "column name": lambda wire, text: wire.query(f"select {named(text)} from counted"),
    "column alias": lambda wire, text: wire.query(f"select 1/0 as {named(text)}"),
    "function name in a context": _function_name,
    "number": lambda wire, text: wire.query(f"select {quoted(text)}::int"),
    "date": lambda wire, text: wire.query(f"select {quoted('x' + text)}::date"),
    "json": lambda wire, text: wire.query(f"select {quoted('[' + text)}::json"),
    "array": lambda wire, text: wire.query(f"select {quoted('x' + text)}::int[]"),
    "regular expression": lambda wire, text: wire.query(f"select 'x' ~ {quoted('(' + text)}"),
    "key of a duplicate": _unique,
    "row of a failed check": lambda wire, text: wire.query(f"insert into checked values ({quoted(text)})"),
    "data of COPY": _copy,
    "prepared statement": lambda wire, text: wire.bind(text),
    "portal": lambda wire, text: wire.execute(text or "x"),
    "cursor": lambda wire, text: wire.query(f"fetch from {named(text)}"),
    "savepoint": _savepoint,
    "role": lambda wire, text: wire.query(f"set role {named(text)}"),
    "parameter": lambda wire, text: wire.query(f"set {named(text.replace(chr(46), chr(44)))} = 1"),
    "value of a parameter": lambda wire, text: wire.query(f"set work_mem = {quoted('x' + text)}"),
    "application_name set": _application,
    "RAISE LOG": _raise("log"),
    "RAISE WARNING": _raise("warning"),
    "RAISE EXCEPTION": _raise("exception"),
    "RAISE detail and hint": lambda wire, text: _raise(
        "exception", f" using detail = {quoted(text)}, hint = {quoted(text)}")(wire, text),
    "RAISE message alone": lambda wire, text: wire.query(
        f"do $attack$ begin raise log using message = {quoted(text or 'x')}; end $attack$"),
    "log_statement": _setting("log_statement", "all", lambda wire, text: wire.query(f"select {quoted(text)}")),
    "duration": _setting("log_min_duration_statement", "0",
                         lambda wire, text: wire.query(f"select {quoted(text)}")),
    "durations of the extended protocol": _setting("log_min_duration_statement", "0", _prepared),
    "plan": _setting("auto_explain.log_min_duration", "0",
                     lambda wire, text: wire.query(f"select {quoted(text)}, count(*) from counted")),
}
