"""No password, token or statement text in anything that pgbeacon says, whatever goes wrong."""

import base64
import json
import os
import re
import signal
import socket
import unittest
import urllib.parse

from harness import beacon
from harness.case import PairCase
from harness.logplex import counted, line
from harness.waiting import wait_for

# Each has a word of its own, so that a find tells where it came from.
RIGHT = "Qlamp-right"
SECRETS = {name: f"Q{name}Zx7" for name in (
    "wrongpw", "dsnpw", "filesd", "unreach", "dns", "env", "urlat", "urlslash", "token", "logtoken", "dbapw", "drainpw",
    "yaml", "statement", "parameter", "detail", "alter", "plan", "card", "commandline", "userfile")}
FORMS = sorted({form for secret in [RIGHT, *SECRETS.values()] for form in (
    secret, base64.b64encode(secret.encode()).decode().rstrip("="), urllib.parse.quote(secret, safe=""))})


class Secrets(PairCase):
    with_standby = False
    settings = {"log_statement": "all", "log_min_duration_statement": "0", "log_error_verbosity": "verbose",
                "log_parameter_max_length_on_error": "-1"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.primary.query(f"alter role beacon password '{RIGHT}'")

    def setUp(self):
        self.place = self.folder()
        self.heard = []  # (what, text)
        self.right = self.write("right", RIGHT + "\n", self.place)

    def hear(self, what, text):
        self.heard.append((what, text))

    def tearDown(self):
        for what, text in self.heard:
            for form in FORMS:
                at = text.find(form)
                self.assertEqual(-1, at, f"{form} in {what}: ...{text[max(0, at - 200):at + 60]}")

    def command(self, *words, env=None, status=None):
        done = beacon.run(*words, env=env)
        self.hear(f"output of {words}", done.stdout)
        self.hear(f"errors of {words}", done.stderr)
        if status is not None:
            self.assertEqual(status, done.returncode, done.stderr)
        return done

    def serve(self, *flags, **options):
        exporter = self.beacon("--log.level", "trace", "--web.enable-lifecycle", *flags, **options)
        return exporter

    def pages(self, exporter, *probes):
        """Everything that is served."""
        paths = ["/", "/metrics", "/sd", "/-/healthy", "/-/ready", "/logs", "/config", "/nothing",
                 "/logs?token=" + SECRETS["logtoken"][:4], *(f"/probe?target={name}" for name in probes)]
        for path in paths:
            for headers in ({}, {"Accept": beacon.OPENMETRICS}):
                self.hear(path, exporter.get(path, headers).body)
        self.hear("/-/reload", exporter.get("/-/reload", method="POST").body)

    def end(self, exporter):
        exporter.stop()
        self.hear("the log", exporter.log())

    def config(self, targets, more=""):
        text = more + "targets:\n" + "".join(f"  - {target}\n" for target in targets)
        return self.write("pgbeacon.yml", text, self.place)

    def good(self):
        return (f"{{name: good, host: 127.0.0.1, port: {self.primary.port}, user: beacon, database: postgres, "
                f"password_file: {self.right}}}")

    def test_logins_that_fail(self):
        port = self.primary.port
        wrong = self.write("wrong", SECRETS["userfile"], self.place)
        exporter = self.serve("--config.file", self.config([
            self.good(),
            f"{{name: wrong, dsn: 'host=127.0.0.1 port={port} user=beacon password={SECRETS['wrongpw']}'}}",
            f"{{name: file, host: 127.0.0.1, port: {port}, user: beacon, password_file: {wrong}}}",
            f"{{name: closed, dsn: 'postgresql://u:{SECRETS['unreach']}@127.0.0.1:1/postgres'}}",
            f"{{name: dns, dsn: 'postgresql://u:{SECRETS['dns']}@nowhere.invalid/postgres'}}"]))
        self.pages(exporter, "wrong", "file", "closed", "dns")
        self.primary.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'pgbeacon'")
        self.pages(exporter)
        self.end(exporter)
        self.assertRegex(exporter.log(), "level=trace .*target=good: connected")
        self.assertRegex(exporter.log(), "target=wrong reason=auth_failed")

    def test_connection_strings_that_are_wrong(self):
        wrong = (f"postgresql://u:{SECRETS['dsnpw']}%zz@h/db", f"host=h password='{SECRETS['dsnpw']}",
                 f"host=h {SECRETS['dsnpw']}", f"postgresql://u:x@{SECRETS['urlat']}@h/db",
                 f"postgresql://u:{SECRETS['urlslash']}/x@h/db", f"host=h passwrd={SECRETS['dsnpw']}")
        for dsn in wrong[:2]:  # what libpq says of one is told alike from everywhere
            self.command("serve", env={"DATA_SOURCE_NAME": dsn}, status=1)
        told = self.command("config", "check", self.config(
            [f"{{name: t{number}, dsn: {json.dumps(dsn)}}}" for number, dsn in enumerate(wrong)]), status=1).stderr
        for line in range(2, 2 + len(wrong)):
            self.assertRegex(told, rf"pgbeacon\.yml:{line}:\d+: connection string: ")
        for words in (("explain", "--dsn", wrong[3]), (wrong[0],), ("check", wrong[4]), ("check", "--dsnn=" + wrong[1])):
            self.command(*words)
        more = self.write("more.json", json.dumps([
            {"name": "torn", "dsn": f"postgresql://u:x@{SECRETS['filesd']}@h/db"},
            {"name": "b", "dsn": f"host=h passwrd={SECRETS['filesd']}"}, {"targets": ["h:1"], "password": SECRETS["filesd"]}]),
            self.place)
        exporter = self.serve("--config.file", self.config([self.good()], f"file_sd: {{files: [{more}]}}\n"))
        self.pages(exporter)
        self.end(exporter)

    def test_configs_that_are_wrong(self):
        exporter = self.serve("--config.file", self.config([self.good()]))
        secret = SECRETS["yaml"]
        uri, words = f"'postgresql://u:{secret}@h/d'", f"'host=h password={secret}'"
        mistakes = (
            "targets:",
            f"  - {{name: a, host: h, password: {secret}}}",
            f"  - {{dsn: [password={secret}]}}",
            f"  - {{host: h, password_file: [{secret}]}}",
            f"  - {{host: h, group: {words}}}",
            f"  - {{host: h, auth_module: {secret}}}",
            f"  - {{host: h, labels: {{{words}: x}}, limits: {{connections: {uri}}}}}",
            f"  - {{host: h, {words}: x}}",
            f"  - {uri}",
            f"default_target: {uri}",
            f"groups: {words}",
            f"auth_modules: {{a: {{type: userpass, userpass: {{username: u, password: [{secret}]}}}}, b: {{type: {secret}}}, "
            f"{uri}: x, c: {words}}}",
            f"collectors: {{{uri}: {{}}}}",
            f"user_collectors: [{uri}]",
            f"sources: [{{type: {uri}}}, {{type: syslog_udp, addr: {uri}}}]",
            f"datname_limit: {words}",
            f"drains: [{{url: 'https://u:{secret}@h'}}, {{url: 'nowhere://u:{secret}@h'}}, {{url: 'https://u:{secret}'}}, "
            f"{{url: 'http://h', token_file: {secret}}}]",
            f"logs: {{access: [{{token: {secret}}}]}}",
            f"{uri}: x", f"{words}: x", f"{words}: y")
        for text in ("\n".join(mistakes), f"targets: [{{dsn: 'host=h password={secret}'\n", f"\t{secret}: x"):
            path = self.write("pgbeacon.yml", text, self.place)
            self.pages(exporter)
            told = self.command("config", "check", path, status=1).stderr
            lines = set(re.findall(r"pgbeacon\.yml:(\d+):", told))
            self.assertGreater(len(lines), 0.7 * text.count("\n"), "mistakes are told: " + told)
        self.end(exporter)

    def test_texts_of_statements_and_logs(self):
        server = self.primary
        card, statement = SECRETS["card"], SECRETS["statement"]
        server.query(f"create table public.cards (number text primary key); insert into public.cards values ('{card}'); "
                     "grant select on public.cards to beacon; create role app login")
        exporter = self.serve("--source.file", server.log_file, "--source.from", "begin", "--state.dir", self.place,
                              "--collector.all", *self.collectors({
                                  "cast": "select number::int as n from public.cards",
                                  "raised": "select number as n from public.cards where 1/(length(number) - 8) = 0",
                                  "broken": "select count(*) as n from public.cards crds where crds.numbr = ''"}),
                              dsn=server.dsn(password=RIGHT))
        busy = self.session(server, application="app")
        busy.cursor().execute(f"/* {statement} */ select 1")
        for sql, arguments in ((f"insert into public.cards values ('{card}')", None), ("select %s::int", (SECRETS["parameter"],)),
                               (f"alter role app password '{SECRETS['alter']}'", None),
                               (f"select '{SECRETS['detail']}'::int", None)):
            try:
                server.query(sql, arguments)
            except Exception:  # that is what the log is about
                pass
        wait_for(lambda: exporter.scrape(False).sum("pg_log_messages_total", severity="ERROR") >= 3, "the log")
        self.pages(exporter)
        self.end(exporter)
        self.assertIn(card, server.log())
        for name in os.listdir(self.place):
            with open(os.path.join(self.place, name), encoding="latin-1") as file:
                if name != "right":
                    self.hear("the state's file " + name, file.read())

    def collectors(self, statements):
        flags = []
        for name, sql in statements.items():
            flags += ["--collector.file", self.write(
                f"{name}.yml", f"name: own_{name}\ntopic: databases\nhelp: Own.\ndefault: true\nqueries:\n"
                f"  - {{sql: {json.dumps(sql)}}}\ncolumns:\n  - {{col: n, metric: own_{name}, help: A number.}}\n")]
        return flags

    def test_tokens(self):
        tokens = self.write("tokens", f"{SECRETS['token']}: app\n", self.place)
        access = self.write("access", SECRETS["logtoken"], self.place)
        password = self.write("dba", SECRETS["dbapw"], self.place)
        listener = socket.create_server(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        listener.close()
        config = self.config([self.good()], f"logs: {{access: [{{token_file: {access}}}, {{user: dba, password_file: {password}}}]}}\n"
                             f"drains: [{{url: 'http://u:{SECRETS['drainpw']}@127.0.0.1:{port}/x', token: {SECRETS['token']}}}]\n")
        exporter = self.serve("--config.file", config, "--web.enable-logs", "--source.logplex-tokens", tokens, "--source.logplex")
        for token in (SECRETS["token"], SECRETS["token"] + "-unknown"):
            body = counted(line("ERROR:  division by zero"))
            answer = exporter.get("/logplex", {"Logplex-Drain-Token": token, "Content-Type": "application/logplex-1"}, "POST")
            self.hear("the answer to a delivery", answer.body + str(len(body)))
        for login in ("dba:" + SECRETS["dbapw"], "dba:x" + SECRETS["dbapw"]):
            for scheme in ("Basic " + base64.b64encode(login.encode()).decode(), "Bearer " + SECRETS["logtoken"]):
                self.hear("/logs", exporter.get("/logs?num=3", {"Authorization": scheme}).body)
        self.pages(exporter, "good")
        self.end(exporter)

    def test_help_and_a_crash(self):
        secret = SECRETS["env"]
        environment = {"DATA_SOURCE_URI": f"127.0.0.1:{self.primary.port}/postgres", "DATA_SOURCE_USER": "beacon",
                       "DATA_SOURCE_PASS": secret, "PGPASSWORD": secret, "DATABASE_URL": f"postgresql://u:{secret}@h/d"}
        for words in (("--help-all",), ("flags",), ("check",), ("explain",), ("check", "--json")):
            self.command(*words, env=environment)
        for how in (signal.SIGSEGV, signal.SIGABRT):
            exporter = self.serve(env=environment, before=("env", "ASAN_OPTIONS=handle_segv=0:handle_abort=0"))
            exporter.scrape()
            exporter.stop(how, quiet=True)
            self.assertFalse(re.search("Sanitizer", exporter.log()), exporter.log())
            self.hear("the log of a crash", exporter.log())


if __name__ == "__main__":
    unittest.main(verbosity=2)
