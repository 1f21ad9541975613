#!/usr/bin/python3
"""Writes what pgbeacon knows of other languages, from the message catalogues of PostgreSQL 15:

    logparse/labels.yml         the words before the colon, such as "FEHLER:  " and "ANWEISUNG:  "
    logparse/locales.yml        the hottest messages as wordings of the rows of logparse/events.yml
    logparse/conditions.yml     the names of SQLSTATEs, from which drivers make names of exceptions
    tests/data/localized.tsv    a message of each wording with the fields that it must give

Run it after a change of a row that HOT names, on a machine with the packages postgresql-15 and python3-yaml:

    tests/data/make_locales.py
"""
import gettext
import json
import pathlib
import re

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
LOCALES = pathlib.Path("/usr/share/locale")
ERRCODES = pathlib.Path("/usr/share/postgresql/15/errcodes.txt")
SEVERITIES = "DEBUG INFO NOTICE WARNING LOG ERROR FATAL PANIC".split()
PARTS = "DETAIL HINT QUERY CONTEXT LOCATION BACKTRACE STATEMENT".split()
# What two conversions or more print together.
GROUP = re.compile(r"%d:%02d:%02d\.%03d|%l?d\.%03d|%s%s%s%s%s%s%s%s|%s%s%s|%X/%X|%.1f|%[0-9$]*[a-zA-Z]+?(?<=[sdumX])")
CONVERSION = re.compile(r"%(?:(\d+)\$)?[-0-9.]*(?:l|ll|z)?([sdumXfc%])")
ENGLISH = r"[ shutdown{shutdown:flag}][ end-of-recovery{end_of_recovery:flag}][ immediate{immediate:flag}]" \
          r"[ force{force:flag}][ wait{wait:flag}][ wal{wal:flag}][ time{time:flag}][ flush-all{flush_all:flag}]"
HOST = ("{host:word}[ port={port:int}]", "10.0.0.7 port=51234", {"host": "10.0.0.7", "port": "51234"})
REST = ("", "SELECT 1", {})  # text that no field takes


def hole(name, sample):
    """A hole with the value that the sample message has in it."""
    return "{" + name + "}", sample, {name.split(":")[0]: sample}


def word(msgid):
    """A word that the server translates apart."""
    return "=" + msgid, msgid, {}


MS = hole("duration:ms", "1234.567")
NAMES = {"user": hole("user:text", "app user"), "database": hole("database:text", "shop"),
         "role": hole("role:text", "app"), "relation": hole("relation:text", "orders")}
LOCK = [hole("pid:int", "4711"), hole("mode:word", "ShareLock"), hole("object:text", "relation 16384 of database 5"),
        hole("wait:ms", "1000.123")]
COMPLETE = [hole("buffers:int", "42"), hole("buffers:percent", "0.3"), hole("wal_added:int", "1"),
            hole("wal_removed:int", "2"), hole("wal_recycled:int", "3"), hole("write:s", "4.123"),
            hole("sync:s", "0.011"), hole("total:s", "4.150"), hole("sync_files:int", "12"), hole("longest:s", "0.004"),
            hole("average:s", "0.001"), hole("distance:kb", "180"), hole("estimate:kb", "1800")]
FLAGS = (ENGLISH, " immediate force wait", {})
TABLE = [hole("database:text", "shop"), hole("schema:text", "public"), hole("table:text", "orders")]
ERROR = [hole("error:text", "Connection reset by peer")]
HBA = [hole("host:text", "10.0.0.7"), NAMES["user"], NAMES["database"], hole("encryption:text", "no encryption")]

# (event, msgid, what each conversion or group of conversions prints)
HOT = [
    ("connection_received", "connection received: host=%s port=%s", [hole("host:word", "10.0.0.7"), hole("port:int", "51234")]),
    ("connection_received", "connection received: host=%s", [hole("host:word", "[local]")]),
    ("connection_authenticated", 'connection authenticated: identity="%s" method=%s (%s:%d)',
     [hole("identity:text", "app"), hole("method:word", "scram-sha-256"), hole("hba_file:text", "/etc/pg_hba.conf"),
      hole("hba_line:int", "97")]),
    ("disconnection", "disconnection: session time: %d:%02d:%02d.%03d user=%s database=%s host=%s%s%s",
     [hole("session:clock", "0:00:10.033"), NAMES["user"], NAMES["database"], HOST]),
    ("client_recv_failed", "could not receive data from client: %m", ERROR),
    ("client_send_failed", "could not send data to client: %m", ERROR),
    ("client_connection_lost", "connection to client lost", []),
    ("unexpected_eof_in_transaction", "unexpected EOF on client connection with an open transaction", []),
    ("too_many_clients", "sorry, too many clients already", []),
    ("slots_reserved_superuser", "remaining connection slots are reserved for non-replication superuser connections", []),
    ("too_many_connections_role", 'too many connections for role "%s"', [NAMES["role"]]),
    ("too_many_connections_database", 'too many connections for database "%s"', [NAMES["database"]]),
    ("db_starting_up", "the database system is starting up", []),
    ("db_not_yet_accepting", "the database system is not yet accepting connections", []),
    ("db_not_accepting", "the database system is not accepting connections", []),
    ("db_shutting_down", "the database system is shutting down", []),
    ("db_in_recovery", "the database system is in recovery mode", []),
    ("db_does_not_exist", 'database "%s" does not exist', [NAMES["database"]]),
    ("conn_terminated_admin", "terminating connection due to administrator command", []),
    ("conn_terminated_idle_in_tx", "terminating connection due to idle-in-transaction timeout", []),
    ("conn_terminated_idle_session", "terminating connection due to idle-session timeout", []),
    ("conn_terminated_recovery_conflict", "terminating connection due to conflict with recovery", []),
    ("auth_failed_password", 'password authentication failed for user "%s"', [NAMES["user"]]),
    ("auth_hba_reject", 'pg_hba.conf rejects connection for host "%s", user "%s", database "%s", %s', HBA),
    ("auth_hba_no_entry", 'no pg_hba.conf entry for host "%s", user "%s", database "%s", %s', HBA),
    ("auth_role_missing", 'role "%s" does not exist', [NAMES["role"]]),
    ("auth_role_nologin", 'role "%s" is not permitted to log in', [NAMES["role"]]),
    ("auth_timeout", "canceling authentication due to timeout", []),
    ("query_duration", "duration: %s ms  statement: %s", [MS, REST]),
    ("query_duration_only", "duration: %s ms", [MS]),
    ("query_parse_duration", "duration: %s ms  parse %s: %s", [MS, hole("statement:text", "S_1"), REST]),
    ("query_bind_duration", "duration: %s ms  bind %s%s%s: %s", [MS, hole("statement:text", "S_1/C_2"), REST]),
    ("query_execute_duration", "duration: %s ms  %s %s%s%s: %s",
     [MS, word("execute"), hole("statement:text", "S_1"), REST]),
    ("query_execute_duration", "duration: %s ms  %s %s%s%s: %s",
     [MS, word("execute fetch from"), hole("statement:text", "S_1/C_2"), REST]),
    ("statement_logged", "statement: %s", [REST]),
    ("statement_timeout", "canceling statement due to statement timeout", []),
    ("user_cancel", "canceling statement due to user request", []),
    ("tx_aborted_command", "current transaction is aborted, commands ignored until end of transaction block", []),
    ("read_only_tx", "cannot execute %s in a read-only transaction", [hole("command:text", "INSERT")]),
    ("serialization_update", "could not serialize access due to concurrent update", []),
    ("serialization_rw", "could not serialize access due to read/write dependencies among transactions", []),
    ("lock_timeout", "canceling statement due to lock timeout", []),
    ("lock_waiting", "process %d still waiting for %s on %s after %ld.%03d ms", LOCK),
    ("lock_acquired", "process %d acquired %s on %s after %ld.%03d ms", LOCK),
    ("lock_deadlock_detected_wait", "process %d detected deadlock while waiting for %s on %s after %ld.%03d ms", LOCK),
    ("deadlock", "deadlock detected", []),
    ("lock_not_available_relation", 'could not obtain lock on relation "%s"', [NAMES["relation"]]),
    ("lock_not_available_row", 'could not obtain lock on row in relation "%s"', [NAMES["relation"]]),
    ("checkpoint_starting", "checkpoint starting:%s%s%s%s%s%s%s%s", [FLAGS]),
    ("restartpoint_starting", "restartpoint starting:%s%s%s%s%s%s%s%s", [FLAGS]),
    ("checkpoints_too_frequent", "checkpoints are occurring too frequently (%d second apart)", [hole("interval:s", "9")]),
    ("undefined_table", 'relation "%s" does not exist', [NAMES["relation"]]),
    ("undefined_table", 'table "%s" does not exist', [NAMES["relation"]]),
    ("undefined_column", 'column "%s" does not exist', [hole("column:text", "nme")]),
    ("undefined_column", 'column "%s" of relation "%s" does not exist', [hole("column:text", "nme"), NAMES["relation"]]),
    ("undefined_function", "function %s does not exist", [hole("function:text", "nosuch(integer)")]),
    ("undefined_operator", "operator does not exist: %s", [hole("operator:text", "text = integer")]),
    ("syntax_error", '%s at or near "%s"', [word("syntax error"), hole("near:text", "FORM")]),
    ("syntax_error", "%s at end of input", [word("syntax error")]),
    ("duplicate_object", 'relation "%s" already exists', [hole("object:text", "orders")]),
    ("permission_denied", "permission denied for table %s", [hole("object:text", "orders")]),
    ("permission_denied", "permission denied for schema %s", [hole("object:text", "shop")]),
    ("permission_denied", "permission denied for sequence %s", [hole("object:text", "ids")]),
    ("permission_denied", "permission denied for function %s", [hole("object:text", "f")]),
    ("must_be_owner", "must be owner of table %s", [hole("object:text", "orders")]),
    ("unique_violation", 'duplicate key value violates unique constraint "%s"', [hole("constraint:text", "orders_pkey")]),
    ("fk_violation_insert", 'insert or update on table "%s" violates foreign key constraint "%s"',
     [hole("table:text", "orders"), hole("constraint:text", "orders_fk")]),
    ("fk_violation_delete", 'update or delete on table "%s" violates foreign key constraint "%s" on table "%s"',
     [hole("table:text", "users"), hole("constraint:text", "orders_fk"), hole("referencing_table:text", "orders")]),
    ("not_null_violation", 'null value in column "%s" of relation "%s" violates not-null constraint',
     [hole("column:text", "id"), NAMES["relation"]]),
    ("check_violation", 'new row for relation "%s" violates check constraint "%s"',
     [NAMES["relation"], hole("constraint:text", "positive")]),
    ("division_by_zero", "division by zero", []),
    ("string_too_long", "value too long for type character varying(%d)", [hole("length:int", "20")]),
    ("invalid_text_representation", 'invalid input syntax for type %s: "%s"',
     [hole("type:text", "integer"), hole("value:text", "abc")]),
    ("temp_file", 'temporary file: path "%s", size %lu',
     [hole("path:text", "base/pgsql_tmp/pgsql_tmp4711.0"), hole("size:bytes", "1075741736")]),
    ("server_ready", "database system is ready to accept connections", []),
    ("server_starting", "starting %s", [("PostgreSQL {version:text}", "PostgreSQL 15.18 on x86_64", {"version": "15.18 on x86_64"})]),
    ("listening", 'listening on %s address "%s", port %d',
     [hole("family:word", "IPv4"), hole("address:text", "127.0.0.1"), hole("port:int", "5432")]),
    ("listening", 'listening on Unix socket "%s"', [hole("path:text", "/run/postgresql/.s.PGSQL.5432")]),
    ("aborting_transactions", "aborting any active transactions", []),
    ("shutting_down", "shutting down", []),
    ("server_shut_down", "database system is shut down", []),
    ("startup_after_clean_shutdown", "database system was shut down at %s", [hole("shutdown_time:text", "2026-11-20 20:14:23 UTC")]),
    ("startup_interrupted", "database system was interrupted; last known up at %s",
     [hole("last_up:text", "2026-11-20 20:14:23 UTC")]),
    ("crash_recovery", "database system was not properly shut down; automatic recovery in progress", []),
    ("shutdown_smart", "received smart shutdown request", []),
    ("shutdown_fast", "received fast shutdown request", []),
    ("shutdown_immediate", "received immediate shutdown request", []),
    ("sighup", "received SIGHUP, reloading configuration files", []),
    ("backend_signaled", "%s (PID %d) was terminated by signal %d: %s",
     [("~{process:text}", "server process", {}), hole("pid:int", "4711"), hole("signal:int", "9"),
      hole("reason:text", "Killed")]),
    ("autovacuum_completed", 'automatic vacuum of table "%s.%s.%s": index scans: %d\n',
     TABLE + [hole("index_scans:int", "1")]),
    ("autoanalyze_completed", 'automatic analyze of table "%s.%s.%s"\n', TABLE),
] + [(kind + "_complete",
      kind + " complete: wrote %d buffers (%.1f%%); %d WAL file(s) added, %d removed, %d recycled; write=%ld.%03d s, "
      "sync=%ld.%03d s, total=%ld.%03d s; sync files=%d, longest=%ld.%03d s, average=%ld.%03d s; distance=%d kB, "
      "estimate=%d kB", COMPLETE) for kind in ("checkpoint", "restartpoint")]

# Messages that the server puts together from translated pieces: (event, pieces with their holes); those after the
# second may be absent.
PIECES = [(event, [(start, [NAMES["user"]])] + tail) for event, start, tail in [
    ("connection_authorized", "connection authorized: user=%s",
     [(" database=%s", [NAMES["database"]]), (" application_name=%s", [hole("application_name:text", "my app")]),
      (" SSL enabled (protocol=%s, cipher=%s, bits=%d)",
       [hole("ssl_protocol:word", "TLSv1.3"), hole("ssl_cipher:word", "TLS_AES_256_GCM_SHA384"), hole("ssl_bits:int", "256")])]),
    ("replication_connection_authorized", "replication connection authorized: user=%s",
     [(" application_name=%s", [hole("application_name:text", "standby1")])]),
]]


def escaped(text):
    return re.sub(r"[\[\]{}$\\]", r"\\\g<0>", text)


class Catalogue:
    """The translations of one language."""

    def __init__(self, language, domain="postgres-15"):
        self.language = language
        with open(LOCALES / language / "LC_MESSAGES" / (domain + ".mo"), "rb") as file:
            self.texts = gettext.GNUTranslations(file)._catalog

    def all(self, msgid):
        """The translations of a message, of every plural form."""
        forms = {text for key, text in self.texts.items() if (key[0] if isinstance(key, tuple) else key) == msgid}
        return sorted(forms - {"", msgid})

    def one(self, msgid):
        return self.texts.get(msgid) or msgid


def split(text):
    """A format's literals and conversions, these as indexes of arguments."""
    out, at, next_index = [], 0, 0
    for match in CONVERSION.finditer(text):
        out.append(text[at:match.start()])
        at = match.end()
        if match.group(2) == "%":
            out.append("%")
        else:
            out.append(int(match.group(1)) - 1 if match.group(1) else next_index)
            next_index += 1
    out.append(text[at:])
    return [piece for piece in out if piece != ""]


def groups(msgid):
    """The argument indexes of each group of conversions of an English format."""
    out, count = [], 0
    for match in GROUP.finditer(msgid.replace("%%", "")):
        conversions = match.group().count("%")
        out.append(range(count, count + conversions))
        count += conversions
    return out


def translate(catalogue, msgid, translation, specs, known):
    """The wording, a message and its fields; None where the wording would not be told apart."""
    spans = groups(msgid)
    assert len(spans) == len(specs), (msgid, spans, specs)
    of = {index: (number, span) for number, span in enumerate(spans) for index in span}
    pieces = split(translation.rstrip("\n"))
    wording = message = ""
    fields = {}
    at = unnamed = 0
    while at < len(pieces):
        piece = pieces[at]
        at += 1
        if isinstance(piece, str):
            wording += escaped(piece)
            message += piece
            continue
        number, span = of[piece]
        between = ""
        for index in list(span)[1:]:
            while at < len(pieces) and isinstance(pieces[at], str):
                between += pieces[at]
                at += 1
            if at >= len(pieces) or pieces[at] != index:
                return None
            at += 1
        pattern, sample, values = specs[number]
        if pattern.startswith("="):
            wording += escaped(catalogue.one(pattern[1:]))
            message += catalogue.one(pattern[1:])
            continue
        if pattern.startswith("~"):
            pattern, sample = pattern[1:], catalogue.one(sample)
            values = {pattern[1:pattern.index(":")]: sample}
        if pattern == "":
            if at == len(pieces):
                message += sample
                break
            unnamed += 1
            pattern = "{unnamed_%d:text}" % unnamed
        name = re.fullmatch(r"\{(\w+):(\w+)\}", pattern)
        if name and name.group(1) not in known:
            unnamed += 1
            pattern, values = "{unnamed_%d:%s}" % (unnamed, name.group(2)), {}
        if between == "," and "." in sample:  # a decimal comma
            sample = sample.replace(".", ",")
            values = {key: value.replace(".", ",") for key, value in values.items()}
            unnamed += 1
            pattern += ",{decimals_%d:int}" % unnamed
        wording = (wording.rstrip(" ") if pattern.startswith("[ ") else wording) + pattern
        message += sample
        fields.update({key: value for key, value in values.items() if key in known})
    return wording, message, fields


def known_holes(row):
    texts = [text for key in ("text", "also") for text in
             (row[key] if isinstance(row.get(key), list) else [row.get(key, "")])]
    return set(re.findall(r"\{(\w+):\w+\}", " ".join(texts)))


def composed(catalogue, pieces, known):
    wording = message = ""
    fields = {}
    for number, (msgid, specs) in enumerate(pieces):
        found = translate(catalogue, msgid, catalogue.one(msgid), specs, known)
        wording += "[" + found[0] + "]" if number > 1 or len(pieces) == 2 and number == 1 else found[0]
        message += found[1]
        fields.update(found[2])
    return wording + "$", message, fields


def quoted(text):
    return json.dumps(text, ensure_ascii=False)


def labels(catalogues):
    """(label, meaning) -> languages"""
    out = {}
    for catalogue in catalogues:
        for severity in SEVERITIES:
            out.setdefault((catalogue.one(severity) + ":  ", severity), []).append(catalogue.language)
        for part in PARTS:
            text = catalogue.one("LOCATION:  %s:%d\n" if part == "LOCATION" else part + ":  ")
            out.setdefault((text.split("%")[0], part), []).append(catalogue.language)
    english = {word + ":  " for word in SEVERITIES + PARTS}
    out = {key: languages for key, languages in out.items() if key[0] not in english}
    for text, _ in out:
        assert "A" <= text[0] <= "Z" or ord(text[0]) >= 128, text
    return out


def write_labels(catalogues):
    found = labels(catalogues)
    lines = ["# Labels of log lines in other languages, made by tests/data/make_locales.py from PostgreSQL 15's own",
             "# message catalogues. Where a language has one word for two severities, the later one counts.", "labels:"]
    order = SEVERITIES + PARTS
    for (text, meaning), languages in sorted(found.items(), key=lambda item: (order.index(item[0][1]), item[0][0])):
        lines.append(f"  - {{text: {quoted(text)}, is: {meaning}, in: [{', '.join(languages)}]}}")
    (ROOT / "logparse/labels.yml").write_text("\n".join(lines) + "\n")
    print(f"logparse/labels.yml: {len(found)} labels")


def write_wordings(catalogues):
    rows = {row["name"]: row for row in yaml.safe_load((ROOT / "logparse/events.yml").read_text())["events"]}
    events = {}
    samples = []
    first = {}
    for event, msgid, specs in HOT:
        if event not in rows:
            print(f"no row {event}: left out")
            continue
        known = known_holes(rows[event])
        for catalogue in catalogues:
            for translation in catalogue.all(msgid):
                found = translate(catalogue, msgid, translation, specs, known)
                if found is None:
                    print(f"{catalogue.language}: arguments torn apart: {translation}")
                    continue
                wording = found[0] + ("$" if event == "query_duration_only" else "")
                # Some translators have one text for two messages: the first has it.
                skeleton = (catalogue.language, re.sub(r"\{\w+:", "{:", wording), str(rows[event].get("severity")))
                if first.setdefault(skeleton, event) != event:
                    print(f"{catalogue.language}: {event} reads as {first[skeleton]}: left out")
                    continue
                taken = events.setdefault(event, {}).setdefault(catalogue.language, [])
                if wording not in taken:
                    taken.append(wording)
                    samples.append((catalogue.language, event) + found[1:])
    for event, pieces in PIECES:
        for catalogue in catalogues:
            if catalogue.all(pieces[0][0]):
                found = composed(catalogue, pieces, known_holes(rows[event]))
                events.setdefault(event, {}).setdefault(catalogue.language, []).append(found[0])
                samples.append((catalogue.language, event) + found[1:])
    lines = ["# The hottest messages in other languages, made by tests/data/make_locales.py from PostgreSQL 15's own message",
             "# catalogues: wordings of the rows of events.yml, in the same form. A hole named unnamed_N is no field,",
             "# decimals_N follows a decimal comma.", "wordings:"]
    for event in sorted(events):
        lines.append(f"  - event: {event}")
        for language, wordings in sorted(events[event].items()):
            lines.append(f"    {language}: [{', '.join(quoted(wording) for wording in wordings)}]")
    (ROOT / "logparse/locales.yml").write_text("\n".join(lines) + "\n")
    with open(ROOT / "tests/data/localized.tsv", "w") as file:
        for language, event, message, fields in samples:
            pairs = "; ".join(f"{key}={value}" for key, value in fields.items())
            file.write("\t".join([language, event, message.replace("\n", "\\n"), pairs]) + "\n")
    print(f"logparse/locales.yml: {len(events)} events, {len(samples)} wordings")


def write_conditions():
    names = {}
    for line in ERRCODES.read_text().splitlines():
        words = line.split()
        if len(words) == 4 and re.fullmatch("[0-9A-Z]{5}", words[0]):
            names.setdefault(words[3], words[0])
    lines = ["# PostgreSQL's names of SQLSTATEs, made by tests/data/make_locales.py from its errcodes.txt. Drivers name",
             "# their exceptions by them: undefined_table is UndefinedTable and UndefinedTableError.", "conditions:"]
    lines += [f"  {name}: {quoted(code)}" for name, code in sorted(names.items())]
    (ROOT / "logparse/conditions.yml").write_text("\n".join(lines) + "\n")
    print(f"logparse/conditions.yml: {len(names)} names")


def main():
    catalogues = [Catalogue(path.parts[-3]) for path in sorted(LOCALES.glob("*/LC_MESSAGES/postgres-15.mo"))]
    write_labels(catalogues)
    write_wordings(catalogues)
    write_conditions()


if __name__ == "__main__":
    main()
