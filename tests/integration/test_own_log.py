"""pgbeacon's own log: one line a message in logfmt or JSON, which no server and no client can forge or flood."""

import json
import re
import unittest

from harness.case import PairCase
from harness.waiting import wait_for

LINE = re.compile(r'^ts=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=(trace|debug|info|warn|error) msg="(\\.|[^"\\])*"$')


class OwnLog(PairCase):
    with_standby = False

    def collector(self, sql, name="odd"):
        return self.write(f"{name}.yml", f"name: {name}\ntopic: databases\nhelp: Odd.\ndefault: true\nqueries:\n"
                          f"  - {{sql: {json.dumps(sql)}}}\ncolumns:\n  - {{col: n, metric: odd_{name}, help: A number.}}\n")

    def lines(self, exporter):
        return exporter.log().splitlines()

    def test_json(self):
        exporter = self.beacon("--log.format", "json", "--log.level", "debug", "--collector.file",
                               self.collector('select "say\n\t\\"no\\"" as n'), dsn=self.primary.dsn())
        exporter.scrape()
        exporter.stop()
        records = [json.loads(line) for line in self.lines(exporter)]
        self.assertEqual({"ts", "level", "msg"}, set().union(*records))
        self.assertLessEqual({record["level"] for record in records}, {"debug", "info", "warn", "error"})
        self.assertTrue(any("listening on" in record["msg"] for record in records))

    def test_levels(self):
        told = {}
        for level in ("trace", "info"):
            exporter = self.beacon("--log.level", level, dsn=self.primary.dsn())
            exporter.scrape()
            exporter.stop()
            self.assertEqual([], [line for line in self.lines(exporter) if not LINE.match(line)])
            told[level] = set(re.findall("level=([a-z]+)", exporter.log()))
        self.assertIn("trace", told["trace"])
        self.assertEqual(set(), told["info"] & {"trace", "debug"})

    def test_a_servers_words_cannot_forge_a_line(self):
        forged = 'x\r\x1b[2J\u009b2J\u2028\u202e\nts=2026-01-01 level=error msg="a"'  # fits into an identifier
        exporter = self.beacon("--collector.file", self.collector('select "' + forged.replace('"', '""') + '" as n'),
                               dsn=self.primary.dsn())
        page = exporter.scrape(False)
        self.assertEqual({"odd": "syntax"}, page.failed_collectors())
        exporter.stop()
        self.assertEqual([], [line for line in self.lines(exporter) if not LINE.match(line)])
        self.assertNotIn("error", [LINE.match(line).group(1) for line in self.lines(exporter)])
        line = next(line for line in self.lines(exporter) if "collector=odd" in line)
        self.assertIn(r"\nts=2026-01-01", line)
        self.assertIn(r"x\r\u001b[2J\u009b2J\u2028\u202e\nts=", line)

    def test_what_repeats_is_held_back_and_counted(self):
        config = self.write("b.yml", "targets: []\n")
        exporter = self.beacon("--config.file", config, "--web.enable-lifecycle", dsn=self.primary.dsn())
        self.write("b.yml", "tragets: []\n", folder=config.rpartition("/")[0])
        for _ in range(30):
            self.assertEqual(500, exporter.get("/-/reload", method="POST").status)
        exporter.stop()
        said = [line for line in self.lines(exporter) if "unknown key 'tragets'" in line]
        self.assertEqual(6, len(said), said)
        self.assertIn("held back 25 repeats of: the config is not followed", said[-1])

    def test_data_in_an_errors_text_stays_out(self):
        self.primary.query("create table if not exists public.cards (number text); grant select on public.cards to beacon; "
                           "insert into public.cards values ('4711 0815')")
        exporter = self.beacon("--log.level", "trace", "--collector.file",
                               self.collector("select number::int as n from public.cards", "cards"), dsn=self.primary.dsn())
        page = exporter.scrape(False)
        self.assertIn("cards", page.failed_collectors())
        wait_for(lambda: "SQLSTATE 22P02" in exporter.log(), "the failure in the log")
        self.assertNotIn("4711 0815", exporter.log() + page.text)


if __name__ == "__main__":
    unittest.main(verbosity=2)
