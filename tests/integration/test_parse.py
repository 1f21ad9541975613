"""`pgbeacon parse`: whole logs in, a summary, metrics or one JSON object per message out."""

import json
import os
import unittest

from harness import beacon
from harness.case import BeaconCase
from harness.logs import Tail, count_messages, write_gzip
from harness.pages import DATA, Page, promtool_complaints
from harness.postgres import PREFIX


def seed_rows():
    with open(os.path.join(DATA, "seed-logs.txt"), encoding="utf-8") as file:
        for row in file:
            if not row.startswith("#") and row.strip():
                yield row.rstrip("\n").split("\t", 4)


def events(*arguments, stdin=None):
    done = beacon.run("parse", "--events", *arguments, stdin=stdin)
    if done.returncode != 0:
        raise AssertionError(f"parse {arguments}: status {done.returncode}\n{done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


class SeedLines(unittest.TestCase):
    def test_each_line_alone_gives_its_event_without_configuration(self):
        rows = list(seed_rows())
        self.assertEqual(20, len(rows))
        for event, severity, sqlstate, side, line in rows:
            with self.subTest(event=event):
                found = events("-", stdin=(line + "\n").encode())
                self.assertEqual(1, len(found), found)
                wanted = (event, None if severity == "-" else severity,
                          None if sqlstate == "-" else sqlstate, side)
                seen = tuple(found[0].get(key) or None
                             for key in ("event", "severity", "sqlstate", "side"))
                self.assertEqual(wanted, seen)

    def test_fields_carry_numbers_and_texts_only_when_asked(self):
        row = next(row for row in seed_rows() if row[0] == "query_duration")
        [plain] = events("-", stdin=(row[4] + "\n").encode())
        [full] = events("-", "--with-text", stdin=(row[4] + "\n").encode())
        self.assertNotIn("courses", json.dumps(plain))
        self.assertIn("courses", json.dumps(full))
        self.assertIn(0.063697, plain["fields"].values())

    def test_sample_lines_become_gauges(self):
        row = next(row for row in seed_rows() if row[0] == "heroku_sample")
        done = beacon.run("parse", "-o", "prom", "-", stdin=(row[4] + "\n").encode())
        page = Page(done.stdout)
        self.assertEqual(61229240, page.value("pg_sample_db_size_bytes"))
        self.assertEqual(7629452 * 1024, page.value("pg_sample_memory_total_bytes"))
        self.assertEqual(0.99999, page.value("pg_sample_index_cache_hit_ratio"))
        self.assertEqual(0.395, page.value("pg_sample_load_avg_1m"))


class Files(BeaconCase):
    """A log of every shape that a server writes, made here."""

    @staticmethod
    def make(records):
        out = []
        for n in range(records):
            who = "alice@shop/web" if n % 5 else "[unknown]@[unknown]/[unknown]"
            head = f"2026-03-04 05:06:{n % 60:02d}.123 UTC [{100 + n % 9}] {who} "
            shape = n % 6
            if shape == 0:
                out.append(head + f"LOG:  duration: {n % 400}.250 ms  statement: select {n}\n\tfrom t\n")
            elif shape == 1:
                out.append(head + 'ERROR:  relation "missing" does not exist at character 15\n' + head +
                           f"STATEMENT:  select * from missing -- {n}\n")
            elif shape == 2:
                out.append(head + "ERROR:  deadlock detected\n" + head +
                           f"DETAIL:  Process {n} waits for ShareLock on transaction 7.\n"
                           "\tProcess 8 waits for ShareLock on transaction 9.\n" + head +
                           f"STATEMENT:  update t set n = {n}\n")
            elif shape == 3:
                out.append(head + "LOG:  temporary file: path \"base/pgsql_tmp/pgsql_tmp12.3\", "
                           f"size {n * 1000}\n")
            elif shape == 4:
                out.append(head + "FATAL:  terminating connection due to administrator command\n")
            else:
                out.append(head + f"LOG:  something nobody knows, number {n}\n")
        return "".join(out)

    def setUp(self):
        self.text = self.make(6000)
        self.path = self.write("shop.log", self.text)

    def prom(self, *arguments, stdin=None):
        done = beacon.run("parse", "-o", "prom", *arguments, stdin=stdin)
        self.assertEqual(0, done.returncode, done.stderr)
        return done.stdout

    def logs(self, text):
        """The pg_log_* samples, without the label `server`."""
        return {(name, frozenset(pair for pair in labels if pair[0] != "server")): value
                for (name, labels), value in Page(text).samples.items() if name.startswith("pg_log_")}

    def test_metrics_equal_an_independent_count(self):
        page = Page(self.prom("--prefix", PREFIX, self.path))
        counts, texts = count_messages(self.text)
        for severity, count in counts["others"].items():
            self.assertEqual(count, page.value("pg_log_messages_total", severity=severity))
        self.assertEqual(1000, page.value("pg_log_errors_total", severity="ERROR", sqlstate="42P01"))
        self.assertEqual(1000, page.value("pg_log_errors_total", severity="ERROR", sqlstate="40P01"))
        self.assertEqual(1000, page.value("pg_log_events_total", event="other"))
        self.assertEqual(1000, page.value("pg_log_connections_terminated_total", reason="admin"))
        sizes = [int(text.rsplit(" ", 1)[1]) for text in texts if text.startswith("temporary file")]
        self.assertEqual(sum(sizes), page.value("pg_log_temporary_file_bytes_sum"))
        self.assertEqual(1000, page.value("pg_log_statement_duration_seconds_count"))

    def test_detection_needs_no_prefix(self):
        self.assertEqual(self.logs(self.prom("--prefix", PREFIX, self.path)),
                         self.logs(self.prom(self.path)))

    def test_threads_change_nothing(self):
        one = self.logs(self.prom("--prefix", PREFIX, "--threads", "1", self.path))
        for threads in ("2", "4"):
            self.assertEqual(one, self.logs(self.prom("--prefix", PREFIX, "--threads", threads, self.path)))

    def test_events_come_in_order_whatever_the_threads(self):
        one = events("--prefix", PREFIX, "--threads", "1", self.path)
        self.assertEqual(6000, len(one))
        self.assertEqual(one, events("--prefix", PREFIX, "--threads", "4", self.path))

    def test_gzip_and_stdin_give_the_same(self):
        plain = self.logs(self.prom("--prefix", PREFIX, self.path))
        zipped = self.path + ".gz"
        write_gzip(zipped, self.text)
        self.assertEqual(plain, self.logs(self.prom("--prefix", PREFIX, zipped)))
        self.assertEqual(plain, self.logs(self.prom("--prefix", PREFIX, "-", stdin=self.text.encode())))

    def test_several_files_add_up(self):
        both = self.logs(self.prom("--prefix", PREFIX, self.path, self.write("b.log", self.make(600))))
        key = ("pg_log_messages_total", frozenset({("severity", "FATAL")}))
        self.assertEqual(1100, both[key])

    def test_records_are_assembled(self):
        records = events("--prefix", PREFIX, "--with-text", self.path)
        fight = next(record for record in records if record["event"] == "deadlock")
        self.assertEqual("40P01", fight["sqlstate"])
        self.assertRegex(fight["detail"], r"^Process \d+ waits .* 7\.\nProcess 8 waits .* 9\.$")
        self.assertRegex(fight["statement"], r"^update t set n = \d+$")
        self.assertEqual(("alice", "shop", "web"), tuple(
            next(r for r in records if r.get("user") == "alice")[k]
            for k in ("user", "database", "application")))
        slow = next(record for record in records if record["event"] == "query_duration")
        self.assertIn("from t", json.dumps(slow))

    def test_summary_and_json_are_for_people_and_programs(self):
        table = beacon.run("parse", "--prefix", PREFIX, self.path)
        self.assertEqual(0, table.returncode, table.stderr)
        self.assertIn("6000", table.stdout.replace(",", ""))
        self.assertIn("undefined_table", table.stdout)
        summary = beacon.run("parse", "--prefix", PREFIX, "-o", "json", self.path)
        self.assertIsInstance(json.loads(summary.stdout), (dict, list))

    def test_promtool_finds_nothing_that_is_not_reviewed(self):
        self.assertEqual([], promtool_complaints(self.prom("--prefix", PREFIX, self.path)))


TIME = "2026-11-20 20:14:23.488 UTC"
MESSAGES = (("LOG", "00000", "duration: 12.250 ms  statement: select 1", ""),
            ("ERROR", "42P01", 'relation "missing" does not exist', "select *\nfrom missing"),
            ("FATAL", "57P01", "terminating connection due to administrator command", ""))


def stderr_log(messages):
    out = []
    for severity, _, text, query in messages:
        head = f"{TIME} [7] app@shop/psql "
        out.append(f"{head}{severity}:  {text}\n")
        if query:
            out.append(head + "STATEMENT:  " + query.replace("\n", "\n\t") + "\n")
    return "".join(out)


def quoted(text):
    return '"' + text.replace('"', '""') + '"' if text else ""


def csv_log(messages):
    """As the server writes it: texts quoted, the rest bare, nothing for NULL."""
    rows = []
    for number, (severity, sqlstate, text, query) in enumerate(messages, 1):
        rows.append(",".join((
            TIME, '"app"', '"shop"', "7", '"[local]"', "691f6d99.7", str(number), '"SELECT"', TIME, "3/4", "0",
            severity, sqlstate, quoted(text), "", "", "", "", "", quoted(query), "", "", '"psql"',
            '"client backend"', "", "0")) + "\n")
    return "".join(rows)


def json_log(messages):
    rows = []
    for number, (severity, sqlstate, text, query) in enumerate(messages, 1):
        row = {"timestamp": TIME, "user": "app", "dbname": "shop", "pid": 7, "session_id": "691f6d99.7",
               "line_num": number, "error_severity": severity, "state_code": sqlstate, "message": text,
               "application_name": "psql", "backend_type": "client backend"}
        if query:
            row["statement"] = query
        rows.append(json.dumps(row) + "\n")
    return "".join(rows)


FORMS = {"stderr": stderr_log, "csv": csv_log, "json": json_log}


class Forms(BeaconCase):
    """The same messages in each form say the same."""

    def test_each_form_is_found_out_and_counts_alike(self):
        pages = {}
        for form, make in FORMS.items():
            text = make(MESSAGES * 200).encode()
            summary = json.loads(beacon.run("parse", "-o", "json", "-", stdin=text).stdout)
            self.assertEqual(form, summary["form"])
            self.assertEqual(600, summary["messages"], form)
            self.assertEqual(0, sum(summary["unparsed"].values()), form)
            self.assertEqual(form == "stderr", "prefix" in summary)
            page = beacon.run("parse", "-o", "prom", "--format", form, "-", stdin=text).stdout
            pages[form] = {key: value for key, value in Page(page).samples.items()
                           if key[0].startswith("pg_log_")}
            key = ("pg_log_errors_total", frozenset({("server", "log"), ("severity", "ERROR"),
                                                     ("sqlstate", "42P01")}))
            self.assertEqual(200, pages[form][key], form)
        self.assertEqual(pages["stderr"], pages["csv"])
        self.assertEqual(pages["stderr"], pages["json"])

    def test_events_are_alike_but_for_what_a_form_does_not_tell(self):
        told = {}
        for form, make in FORMS.items():
            told[form] = [{key: event.get(key) for key in
                           ("time", "severity", "event", "user", "database", "application", "message",
                            "statement", "fields", "pid")}
                          for event in events("--with-text", "-", stdin=make(MESSAGES * 5).encode())]
        self.assertEqual(told["stderr"], told["csv"])
        self.assertEqual(told["stderr"], told["json"])

    def test_the_summary_names_form_and_prefix_with_its_match(self):
        table = beacon.run("parse", "-", stdin=stderr_log(MESSAGES * 100).encode()).stdout
        self.assertRegex(table, r"(?m)^form +stderr$")
        self.assertRegex(table, r"(?m)^prefix +'.+' fits 100\.0 %$")
        table = beacon.run("parse", "-", stdin=csv_log(MESSAGES * 100).encode()).stdout
        self.assertRegex(table, r"(?m)^form +csv$")
        self.assertNotRegex(table, r"(?m)^prefix")

    def test_a_wrong_format_is_told_with_the_remedy(self):
        done = beacon.run("parse", "--format", "json", "-", stdin=stderr_log(MESSAGES * 100).encode())
        self.assertIn("no records of the form json", done.stderr)
        self.assertIn("--format", done.stderr)

    def test_numbers_have_no_exponents(self):
        done = beacon.run("parse", "--events", "-", stdin=stderr_log(MESSAGES).encode())
        self.assertIn('"duration_seconds":0.01225', done.stdout)
        self.assertIn('"pid":7,', done.stdout)

    def test_events_of_ones_own_are_counted(self):
        config = self.write("pgbeacon.yml", (
            "events:\n"
            "  - {name: job_done, class: app, severity: LOG, text: 'job {n:int} done', sample: job 5 done,\n"
            "     metric: [{name: app_last_job, type: gauge, help: The last job., value: n}]}\n"))
        text = (f"{TIME} [7] LOG:  job 17 done\n" * 3).encode()
        page = Page(beacon.run("parse", "--config.file", config, "-o", "prom", "-", stdin=text).stdout)
        self.assertEqual(17, page.value("app_last_job"))
        self.assertEqual(3, page.value("pg_log_events_total", event="job_done"))

    def test_top_ranks_statements_and_shows_texts_only_when_asked(self):
        slow = [("LOG", "00000", "duration: 900.000 ms  statement: select pg_sleep(42)", "")]
        text = stderr_log(list(MESSAGES) * 50 + slow * 2).encode()
        plain = beacon.run("parse", "--top", "5", "-", stdin=text)
        self.assertEqual(0, plain.returncode, plain.stderr)
        self.assertNotIn("pg_sleep", plain.stdout)
        full = beacon.run("parse", "--top", "5", "--with-text", "-", stdin=text).stdout
        self.assertIn("pg_sleep", full)
        self.assertNotIn("42", full, "constants are normalised away")
        self.assertIn("pg_sleep", json.dumps(json.loads(
            beacon.run("parse", "--top", "5", "--with-text", "-o", "json", "-", stdin=text).stdout)))

    def test_databases_and_statements_are_counted_apart_when_asked(self):
        text = stderr_log(MESSAGES * 10).encode()
        plain = Page(beacon.run("parse", "-o", "prom", "-", stdin=text).stdout)
        self.assertEqual({}, plain.series("pg_log_fingerprint_statements_total"))
        page = Page(beacon.run("parse", "-o", "prom", "--datname", "5", "--fingerprints", "5", "-",
                               stdin=text).stdout)
        self.assertEqual(10, page.value("pg_log_messages_total", datname="shop", severity="ERROR"))
        self.assertEqual(10, page.sum("pg_log_fingerprint_statements_total"))
        report = json.loads(beacon.run("parse", "-o", "json", "--datname", "5", "-", stdin=text).stdout)
        whole = json.loads(beacon.run("parse", "-o", "json", "-", stdin=text).stdout)
        self.assertEqual(whole["severities"], report["severities"])
        self.assertEqual(whole["durations"], report["durations"])
        self.assertIn("shop", [row["database"] for row in report["databases"]])
        self.assertEqual([], whole["databases"])

    def test_a_config_with_a_mistake_is_refused(self):
        config = self.write("pgbeacon.yml", "evnts: []\n")
        done = beacon.run("parse", "--config.file", config, "-", stdin=b"")
        self.assertEqual(1, done.returncode)
        self.assertIn(config + ":1:1", done.stderr)


class BadInput(BeaconCase):
    def test_a_missing_file_is_named(self):
        done = beacon.run("parse", "/nowhere/at-all.log")
        self.assertNotEqual(0, done.returncode)
        self.assertIn("/nowhere/at-all.log", done.stderr)

    def test_a_prefix_that_is_none_is_refused(self):
        done = beacon.run("parse", "--prefix", "%Y-%", "-", stdin=b"LOG:  x\n")
        self.assertNotEqual(0, done.returncode)
        self.assertIn("%Y", done.stderr)

    def test_a_prefix_that_does_not_fit_is_told(self):
        log = Tail(os.path.join(self.folder(), "x.log"))
        log.append(200)
        done = beacon.run("parse", "--prefix", "%t|%p|%u|", log.path)
        self.assertIn("log_line_prefix", done.stderr)
        self.assertIn("%t|%p|%u|", done.stderr)

    def test_an_empty_log_is_no_error(self):
        done = beacon.run("parse", "-o", "prom", "-", stdin=b"")
        self.assertEqual(0, done.returncode, done.stderr)
        Page(done.stdout)

    def test_bytes_that_are_no_text_cost_only_their_lines(self):
        log = Tail("unused")
        noise = b"\x00\xff\xfe" + bytes(range(256)) + b"\n"
        text = log.lines(2).encode() + noise + log.lines(2).encode()
        page = Page(beacon.run("parse", "--prefix", Tail.PREFIX, "-o", "prom", "-", stdin=text).stdout)
        self.assertEqual(4, page.sum("pg_log_errors_total", sqlstate="42P01"))
        for line in beacon.run("parse", "--events", "--with-text", "-", stdin=noise).stdout.splitlines():
            json.loads(line)

    def test_a_damaged_gzip_is_told(self):
        path = os.path.join(self.folder(), "cut.gz")
        write_gzip(path, Files.make(600))
        os.truncate(path, os.path.getsize(path) // 2)
        done = beacon.run("parse", path)
        self.assertIn(path, done.stderr)


if __name__ == "__main__":
    unittest.main()
