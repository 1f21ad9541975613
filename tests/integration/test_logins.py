"""How pgbeacon logs in: TLS, passwords from everywhere, roles with too many rights, reserved connections, and what
its session leaves behind: nothing."""

import concurrent.futures
import os
import shutil
import unittest

import psycopg2

from harness import beacon
from harness.case import MostBackends, PairCase
from harness.certificates import Authority
from harness.pages import Page
from harness.postgres import PASSWORD, Pair, programs_of
from harness.preload import preload
from harness.users import private_folder
from harness.waiting import wait_for

HBA = """local all all trust
hostssl all carla 127.0.0.1/32 cert
hostnossl all carla 127.0.0.1/32 reject
host all mark 127.0.0.1/32 md5
host all all 127.0.0.1/32 scram-sha-256
"""


class Encrypted(PairCase):
    """A server with a certificate of our own authority."""

    with_standby = False

    @classmethod
    def setUpClass(cls):
        folder = private_folder()
        cls.addClassCleanup(shutil.rmtree, folder, ignore_errors=True)
        cls.authority = Authority(folder)
        cls.stranger = Authority(folder, "stranger")
        certificate, key = cls.authority.issue("server", "DNS:localhost", owned=True)
        cls.client, cls.client_key = cls.authority.issue("carla")
        os.chmod(cls.authority.file, 0o644)
        cls.settings = {"ssl": "on", "ssl_cert_file": certificate, "ssl_key_file": key,
                        "ssl_ca_file": cls.authority.file}
        super().setUpClass()
        server = cls.primary
        server.query("create role carla login in role pg_monitor")
        server.query("set password_encryption = 'md5'; create role mark login in role pg_monitor "
                     f"password '{PASSWORD}'")
        with open(os.path.join(server.data, "pg_hba.conf"), "w", encoding="ascii") as hba:
            hba.write(HBA)
        server.query("select pg_reload_conf()")

    def setUp(self):
        self.place = self.folder()
        self.password = self.write("password", PASSWORD + "\n", self.place)

    def serve(self, *targets, **options):
        """Each target's (pg_up, reason), by name. Targets are flow mappings without host, port and database."""
        rows = "".join(f"  - {{{target}, port: {self.primary.port}, database: postgres}}\n" for target in targets)
        exporter = self.beacon("--config.file", self.write("b.yml", "targets:\n" + rows, self.place), **options)
        names = [target.split("name: ")[1].split(",")[0] for target in targets]
        seen = {}
        for name in names:
            page = Page(exporter.get("/probe?target=" + name).body)
            seen[name] = (page.value("pg_up"), page.up_reason())
        return exporter, seen

    def test_the_servers_certificate_is_verified_with_files(self):
        verified = f"user: beacon, password_file: {self.password}, sslmode: verify-full, sslrootcert: "
        ours, other = self.authority.file, self.stranger.file
        exporter, seen = self.serve(
            f"name: good, host: localhost, {verified}{ours}",
            f"name: name, host: 127.0.0.1, {verified}{ours}",
            f"name: authority, host: localhost, {verified}{other}",
            f"name: missing, host: localhost, {verified}{self.place}/nothing.crt",
            f"name: plain, host: localhost, user: beacon, password_file: {self.password}, sslmode: disable")
        self.assertEqual({"good": (1, "ok"), "name": (0, "tls"), "authority": (0, "tls"), "missing": (0, "tls"),
                          "plain": (1, "ok")}, seen, exporter.log())
        self.assertEqual({(True,), (False,)}, set(self.primary.query(
            "select ssl from pg_stat_ssl join pg_stat_activity using (pid) where application_name = 'pgbeacon'")))

    def test_scram_md5_and_a_clients_certificate(self):
        tls = f"host: localhost, sslmode: verify-full, sslrootcert: {self.authority.file}"
        exporter, seen = self.serve(
            f"name: scram, {tls}, user: beacon, password_file: {self.password}",
            f"name: md5, {tls}, user: mark, password_file: {self.password}",
            f"name: certificate, {tls}, user: carla, sslcert: {self.client}, sslkey: {self.client_key}",
            f"name: without, {tls}, user: carla",
            f"name: anothers, {tls}, user: beacon, sslcert: {self.client}, sslkey: {self.client_key}",
            "name: unencrypted, host: localhost, user: carla, sslmode: disable",
            f"name: wrong, {tls}, user: mark, password_file: {self.write('wrong', 'x', self.place)}")
        self.assertEqual({"scram": (1, "ok"), "md5": (1, "ok"), "certificate": (1, "ok"),
                          "without": (0, "auth_failed"), "anothers": (0, "auth_failed"),
                          "unencrypted": (0, "hba_rejected"), "wrong": (0, "auth_failed")}, seen, exporter.log())


    def test_files_that_never_end_cost_their_target_alone(self):
        pipe, mount = os.path.join(self.place, "pipe"), os.path.join(self.place, "hung")
        os.mkfifo(pipe)
        os.mkdir(mount)
        tls = f"host: localhost, user: beacon, password_file: {self.password}, sslmode: verify-full, sslrootcert: "
        well = f"{tls}{self.authority.file}"
        hung = {f"hung{n}": (0, "timeout") for n in range(6)}
        rows = [f"name: pipe, {tls}{pipe}", f"name: key, {well}, sslcert: {self.client}, sslkey: {pipe}",
                f"name: passfile, host: localhost, user: beacon, passfile: {pipe}",
                *(f"name: {name}, {tls}{mount}/ca.crt" for name in hung), *(f"name: well{n}, {well}" for n in range(4))]
        config = self.write("b.yml", "targets:\n" + "".join(
            f"  - {{{row}, port: {self.primary.port}, database: postgres}}\n" for row in rows), self.place)
        exporter = self.beacon("--config.file", config, before=preload(self, "hanging", beacon.BIN, PGB_HANGS=60),
                               ready=False)

        def probe(name):
            page = Page(exporter.get("/probe?target=" + name, {"X-Prometheus-Scrape-Timeout-Seconds": "3"}).body)
            return page.value("pg_up"), page.up_reason()

        wanted = {"pipe": (0, "tls"), "key": (0, "tls"), "passfile": (0, "auth_failed"), **hung,
                  **{f"well{n}": (1, "ok") for n in range(4)}}
        for _ in range(2):
            with concurrent.futures.ThreadPoolExecutor(len(wanted)) as pool:
                self.assertEqual(wanted, dict(zip(wanted, pool.map(probe, wanted))), exporter.log())
        for words in (f"SSL file sslrootcert: cannot read {pipe}: it is a named pipe",
                      f"SSL file sslkey: cannot read {pipe}", f"passfile file: cannot read {pipe}",
                      f"no answer from the file system of SSL file sslrootcert {mount}/ca.crt"):
            self.assertIn(words, exporter.log())
        self.assertLess(len(os.listdir(f"/proc/{exporter.process.pid}/task")), 24, "threads")
        self.assertLess(exporter.stop(), 2)


class Credentials(PairCase):
    with_standby = False

    def setUp(self):
        self.place = self.folder()
        self.where = f"host=127.0.0.1 port={self.primary.port}"

    def assert_up(self, *flags, dsn=None, env=None):
        page = self.beacon(*flags, dsn=dsn, env=env).scrape(False)
        self.assertEqual((1, "ok"), (page.value("pg_up"), page.up_reason()))

    def test_passwords_come_from_wherever_libpq_and_postgres_exporter_take_them(self):
        port, plain = self.primary.port, {"PGSSLMODE": "disable"}
        passfile = self.write("pgpass", f"127.0.0.1:{port}:*:beacon:{PASSWORD}\n", self.place)
        os.chmod(passfile, 0o600)
        home = self.folder()
        shutil.copy(passfile, os.path.join(home, ".pgpass"))
        os.chmod(os.path.join(home, ".pgpass"), 0o600)
        service = self.write("services", f"[orders]\nhost=127.0.0.1\nport={port}\nuser=beacon\ndbname=postgres\n"
                             f"password={PASSWORD}\n", self.place)
        user, password = self.write("user", "beacon\n", self.place), self.write("password", PASSWORD, self.place)
        dsn = self.where + " user=beacon dbname=postgres"
        config = self.write("b.yml", "targets:\n  - {service: orders}\n", self.place)
        keys = self.write("k.yml", f"targets:\n  - {{host: 127.0.0.1, port: {port}, user: beacon, "
                          f"database: postgres, passfile: {passfile}}}\n", self.place)
        uri = {"DATA_SOURCE_URI": f"127.0.0.1:{port}/postgres?sslmode=disable"}
        for name, flags, environment in (
                ("PGPASSFILE", ("--dsn", dsn), {"PGPASSFILE": passfile}),
                ("~/.pgpass", ("--dsn", dsn), {"HOME": home}),
                ("passfile", ("--config.file", keys), {}),
                ("service file", ("--config.file", config), {"PGSERVICEFILE": service}),
                ("PGSERVICE", (), {"PGSERVICEFILE": service, "PGSERVICE": "orders"}),
                ("PG*", (), {"PGHOST": "127.0.0.1", "PGPORT": str(port), "PGUSER": "beacon", "PGPASSWORD": PASSWORD,
                             "PGDATABASE": "postgres"}),
                ("_USER and _PASS", (), {**uri, "DATA_SOURCE_USER": "beacon", "DATA_SOURCE_PASS": PASSWORD}),
                ("_FILE", (), {**uri, "DATA_SOURCE_USER_FILE": user, "DATA_SOURCE_PASS_FILE": password})):
            with self.subTest(name):
                self.assert_up(*flags, env={**plain, **environment})

    def test_a_password_is_read_again_at_each_connect(self):
        role = "rotating"
        self.primary.query(f"create role {role} login in role pg_monitor password 'first'")
        password = self.write("password", "first\n", self.place)
        user = self.write("user", role + "\n", self.place)
        config = self.write("b.yml", f"targets:\n  - {{name: a, host: 127.0.0.1, port: {self.primary.port}, database: "
                            f"postgres, user_file: {user}, password_file: {password}}}\n", self.place)
        exporter = self.beacon("--config.file", config)
        self.assertEqual(1, exporter.scrape().value("pg_up"))
        self.primary.query(f"alter role {role} password 'second'")
        self.assertEqual(1, exporter.scrape().value("pg_up"), "the warm connection is not asked for a password again")
        self.primary.query("select pg_terminate_backend(pid) from pg_stat_activity where usename = %s", (role,))
        page = exporter.scrape()
        self.assertEqual((0, "auth_failed"), (page.value("pg_up"), page.up_reason()))
        self.write("password", "second\n", self.place)
        self.assertEqual(1, exporter.scrape().value("pg_up"))
        os.remove(password)
        self.primary.query("select pg_terminate_backend(pid) from pg_stat_activity where usename = %s", (role,))
        page = exporter.scrape()
        self.assertEqual((0, "auth_failed"), (page.value("pg_up"), page.up_reason()))

    def test_the_connection_is_made_anew_after_its_time(self):
        pid = "select pid from pg_stat_activity where application_name = 'pgbeacon' order by backend_start limit 1"
        exporter = self.beacon(dsn=self.primary.dsn())
        exporter.scrape()
        before = self.primary.value(pid)
        exporter.scrape()
        self.assertEqual(before, self.primary.value(pid))
        exporter.stop()
        with MostBackends(self.primary) as most:
            exporter = self.beacon("--connection.max-age", "200ms", dsn=self.primary.dsn())
            exporter.scrape()
            before = self.primary.value(pid)

            def another():
                page = exporter.scrape(False)
                self.assertEqual((1, {}), (page.value("pg_up"), page.failed_collectors()))
                rows = self.primary.query(pid)
                return rows and rows[0][0] != before

            wait_for(another, "another backend")
        self.assertLessEqual(most.most, 3)  # one more while an old one ends
        done = beacon.run("serve", "--connection.max-age", "soon", env={"DATA_SOURCE_NAME": self.primary.dsn()})
        self.assertEqual(1, done.returncode)
        self.assertIn("--connection.max-age: expected a time such as 1h", done.stderr)


class Rights(PairCase):
    with_standby = False

    def dsn(self, role, attributes):
        self.primary.query(f"create role {role} login {attributes} password '{PASSWORD}'")
        return self.primary.dsn(user=role)

    def test_too_many_rights_are_warned_about_or_refused(self):
        for role, attributes, words in (("super", "superuser", "is a superuser"),
                                        ("maker", "createrole in role pg_monitor", "has CREATEROLE")):
            with self.subTest(role):
                dsn = self.dsn(role, attributes)
                exporter = self.beacon(dsn=dsn)
                page = exporter.scrape()
                self.assertEqual(1, page.value("pg_up"))
                attribute = {"super": "superuser", "maker": "createrole"}[role]
                self.assertEqual(1, page.value("pgbeacon_login_privileged", attribute=attribute))
                self.assertEqual(role == "super", page.value("pgbeacon_superuser_login") == 1)
                exporter.scrape()
                self.assertEqual(1, exporter.log().count("the login is a superuser or has CREATEROLE, which pgbeacon does not need"))
                self.assertIn("NOSUPERUSER NOCREATEDB NOCREATEROLE", exporter.log())
                refused = self.beacon("--refuse-superuser", dsn=dsn)
                page = refused.scrape()
                self.assertEqual((0, "superuser_refused"), (page.value("pg_up"), page.up_reason()))
                self.assertIsNone(page.value("pg_postmaster_start_time_seconds"))
                done = beacon.run("explain", "--refuse-superuser", env={"DATA_SOURCE_NAME": dsn})
                self.assertEqual(1, done.returncode)
                self.assertIn(f"the login {words}, which --refuse-superuser turns away", done.stderr)

    def test_the_role_of_setup_sql_is_enough_and_no_more(self):
        done = beacon.run("setup-sql", "--role", 'The "Lamp"')
        for _ in range(2):  # running it again changes nothing
            self.primary.query(done.stdout)
        self.primary.query("""alter role "The ""Lamp""\" password %s""", (PASSWORD,))
        dsn = f"host=127.0.0.1 port={self.primary.port} user='The \"Lamp\"' dbname=postgres password='{PASSWORD}'"
        exporter = self.beacon("--collector.all", "--refuse-superuser", dsn=dsn)
        page = exporter.scrape()
        self.assertEqual((1, {}), (page.value("pg_up"), page.failed_collectors()))
        self.assertEqual(0, page.sum("pgbeacon_login_privileged"))
        self.assertNotIn("which pgbeacon does not need", exporter.log())

    def test_nothing_is_written_even_by_collectors_of_users(self):
        server = self.primary
        server.query("create table public.kept (n int); create sequence public.numbers; "
                     "grant all on table public.kept to beacon; grant all on sequence public.numbers to beacon; "
                     "create function public.writes() returns int language plpgsql as "
                     "$$ begin insert into public.kept values (1); return 1; end $$")
        evil = {
            "insert": "with w as (insert into public.kept values (1) returning 1) select count(*) as n from w",
            "function": "select public.writes() as n",
            "sequence": "select nextval('public.numbers') as n",
            "read_write": "select set_config('transaction_read_only', 'off', false) = 'off' as n",
            "lasting": "select length(set_config('default_transaction_read_only', 'off', false)) as n",
            "path": "select length(set_config('search_path', 'public', false)) as n",
            "timeout": "select length(set_config('statement_timeout', '0', false)) as n",
            "object": "select lo_create(4711)::int8 as n",
            "table_of": "create table public.made as select 1 as n",
            "last": "with w as (insert into public.kept values (2) returning 1) select count(*) as n from w",
        }
        files = []
        for name, sql in evil.items():
            files += ["--collector.file", self.write(
                f"{name}.yml", f"name: evil_{name}\ntopic: databases\nhelp: Tries to write.\ndefault: true\nqueries:\n"
                f'  - {{sql: "{sql}"}}\ncolumns:\n  - {{col: n, metric: evil_{name}, help: A number.}}\n')]
        for dsn in (server.dsn(), server.dsn(user="all_rights")):
            if "all_rights" in dsn:
                server.query(f"create role all_rights superuser login password '{PASSWORD}'")
            exporter = self.beacon(*files, dsn=dsn)
            for _ in range(3):
                page = exporter.scrape()
                self.assertEqual(1, page.value("pg_up"))
            failed = set(page.failed_collectors())
            self.assertLessEqual({"evil_insert", "evil_function", "evil_sequence", "evil_read_write", "evil_table_of",
                                  "evil_last"}, failed)
            self.assertLessEqual({name for name in failed if not name.startswith("evil_")}, set())
            self.assertEqual([(0, False, 0, None)], server.query(
                "select (select count(*) from public.kept), is_called, (select count(*) from pg_largeobject_metadata), "
                "to_regclass('public.made')::text from public.numbers"))


class Reserved(unittest.TestCase):
    def test_a_full_server_still_answers_us(self):
        settings = {"max_connections": "12", "reserved_connections": "3", "superuser_reserved_connections": "2",
                    "max_wal_senders": "0", "wal_level": "minimal"}
        pair = Pair(programs_of(17), settings, standby=False)
        self.addCleanup(pair.close)
        server = pair.primary
        server.query(beacon.run("setup-sql", "--role", "lamp").stdout)
        server.query("create role plain login in role pg_monitor; create role app login")
        for role in ("lamp", "plain", "app"):
            server.query(f"alter role {role} password '{PASSWORD}'")
        sessions = []
        self.addCleanup(lambda: [session.close() for session in sessions])
        with self.assertRaisesRegex(psycopg2.OperationalError, "remaining connection slots are reserved"):
            for _ in range(20):
                sessions.append(server.connect(user="app"))
        with beacon.Beacon(dsn=server.dsn(user="lamp")) as exporter:
            page = exporter.scrape()
            self.assertEqual((1, {}), (page.value("pg_up"), page.failed_collectors()))
            self.assertEqual(5, page.value("pg_connections_reserved"))
        with beacon.Beacon(dsn=server.dsn(user="plain")) as exporter:
            page = exporter.scrape()
            self.assertEqual((0, "too_many_connections"), (page.value("pg_up"), page.up_reason()))


if __name__ == "__main__":
    unittest.main(verbosity=2)
