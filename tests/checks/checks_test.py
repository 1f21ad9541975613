#!/usr/bin/env python3
"""The checks themselves: each passes a clean tree and refuses one that breaks its rule."""

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import boards
import coroutines
import format as formatting
import headers
import hygiene
import includes
import readme

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
COMPILER = os.environ.get("CXX", "c++").split()
CLANG_FORMAT = os.environ.get("CLANG_FORMAT", "clang-format-14")


class CheckTest(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.root)

    def write(self, path, text):
        full = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)

    def complaints(self, check, *arguments):
        with contextlib.redirect_stdout(io.StringIO()) as output:
            status = check(self.root, *arguments)
        self.assertEqual(status, 1 if output.getvalue() else 0)
        return output.getvalue()


class Includes(CheckTest):
    def test_accepts_one_way_and_the_right_rooms(self):
        self.write("base/text.h", "#include <string>\n")
        self.write("logparse/reader.h", '#include "base/text.h"\n#include "logparse/message.h"\n')
        self.write("exporter/pg/connection.cc", '#include <libpq-fe.h>\n#include "collectors/engine/plan.h"\n')
        self.assertEqual(self.complaints(includes.main), "")

    def test_refuses_every_wrong_direction_and_room(self):
        cases = [
            ("base/a.h", '#include "logparse/reader.h"'),
            ("logparse/a.h", '#include "collectors/engine/plan.h"'),
            ("logparse/a.h", '#include "exporter/pg/connection.h"'),
            ("collectors/a.cc", '#include "logparse/reader.h"'),
            ("collectors/a.cc", '#include "plan.h"'),
            ("exporter/scrape/a.cc", "#include <libpq-fe.h>"),
            ("exporter/pg/a.cc", "#include <boost/asio/awaitable.hpp>"),
            ("exporter/net/a.cc", "#include <boost/beast/http.hpp>"),
            ("logparse/a.cc", "#include <re2/re2.h>"),
            ("exporter/config/a.cc", "#include <yaml-cpp/yaml.h>"),
            ("base/a.cc", "#include <regex>"),
            ("base/a.h", "#include <iostream>"),
        ]
        for path, line in cases:
            with self.subTest(path=path, line=line):
                self.write(path, "\n" + line + "\n")
                self.assertIn(f"{path}:2: ", self.complaints(includes.main))
                os.unlink(os.path.join(self.root, path))


class Headers(CheckTest):
    def test_refuses_a_header_that_needs_another(self):
        self.write("base/good.h", "#pragma once\n#include <string>\ninline std::string Name() { return {}; }\n")
        self.assertEqual(self.complaints(headers.main, COMPILER), "")
        self.write("base/bad.h", "#pragma once\ninline std::string Name() { return {}; }\n")
        self.assertIn("base/bad.h does not compile alone", self.complaints(headers.main, COMPILER))


class Coroutines(CheckTest):
    def verdict(self, body):
        self.write("exporter/pg/a.cc", "net::awaitable<int> F(int c) {\n" + body + "\n}\n")
        return self.complaints(coroutines.main)

    def test_accepts_what_gcc_compiles_correctly(self):
        cases = [
            "auto x = co_await f(name);",
            "const auto [ec, n] = co_await stream.async_wait(kRead, kNoThrow);",
            "auto& [ec, n] = co_await f(table[3]);",
            "if (auto r = co_await f(); !r.ok()) { Agg g{1, 2}; }",
            "while (co_await next()) { x = c ? 1 : 2; }",
            "for (auto& x : list) { co_await f(x); Agg g{1}; }",
            "auto task = [&]() -> net::awaitable<void> { co_await f(x); };",
            "spawn(pool, [self]() -> net::awaitable<void> { co_await self->Run(); }, done);",
            "if (c) co_await f(x); else g(Agg{1});",
            "if (c ? a : b) co_await f(x);",
            "try { co_await f(x); } catch (const E& e) { g({e.what()}); }",
            "switch (c) { case 1: co_await f(x); break; default: g(Agg{}); }",
            "// co_await f({1})\n co_await f(\"{?[\", '{');",
            "co_return co_await f(Error(kTimeout, text));",
        ]
        for body in cases:
            with self.subTest(body=body):
                self.assertEqual(self.verdict(body), "")

    def test_refuses_what_gcc_destroys_twice(self):
        cases = [
            ("co_await f(Agg{1});", "a braced initialiser"),
            ("co_await f({.a = 1});", "a braced initialiser"),
            ("Agg g{co_await a(), co_await b()};", "a braced initialiser"),
            ("std::string s = c ? co_await a() : b;", "?:"),
            ("co_await f([x] { return x; });", "a lambda"),
            ("co_await f(name, [x](int y) mutable { return x + y; });", "a lambda"),
            ("auto r = co_await f(\n    std::vector<int>{1, 2});", "a braced initialiser"),
            ("if (co_await f(Agg{1})) { g(); }", "a braced initialiser"),
            ("auto t = [&]() -> net::awaitable<void> { co_await f(Agg{1}); };", "a braced initialiser"),
            ("co_return co_await f(Agg{});", "a braced initialiser"),
        ]
        for body, what in cases:
            with self.subTest(body=body):
                self.assertIn(f"exporter/pg/a.cc:2: co_await in one statement with {what}", self.verdict(body))


class Hygiene(CheckTest):
    def test_refuses_machine_paths_and_broken_scripts(self):
        self.write("docs/a.md", "Logs lie in /var/log/postgresql; the page is at /metrics.\n")
        self.assertEqual(self.complaints(hygiene.main), "")
        cases = [
            ("docs/a.md", "see /" + "home/ann/pgbeacon", "names a folder of one machine"),
            ("docs/a.md", "see shared" + "/notes.md", "names a folder of one machine"),
            ("base/a.h", "// na\u00efve", "outside ASCII"),
            ("a.sh", "if true; then", "syntax error"),
            ("a.py", "def f(:", "invalid syntax"),
            ("run.sh", "#!/bin/bash\n", "is not executable"),
        ]
        for path, text, complaint in cases:
            with self.subTest(path=path, text=text):
                self.write(path, text + "\n")
                self.assertIn(complaint, self.complaints(hygiene.main))
                os.unlink(os.path.join(self.root, path))


class Format(CheckTest):
    def test_refuses_what_clang_format_would_change(self):
        self.write(".clang-format", "BasedOnStyle: Google\n")
        self.write("base/a.h", "int F();\n")
        self.assertEqual(self.complaints(formatting.main, CLANG_FORMAT), "")
        self.write("base/a.h", "int  F( );\n")
        self.assertIn("base/a.h is not formatted", self.complaints(formatting.main, CLANG_FORMAT))


class Readme(CheckTest):
    def test_refuses_a_folder_that_the_diagram_leaves_out(self):
        self.write("base/a.h", "")
        self.write("exporter/pg/a.cc", "")
        self.write("README.md", "```mermaid\nflowchart LR\n  base --> exporter/pg\n```\n")
        self.assertEqual(self.complaints(readme.main), "")
        self.write("exporter/net/a.cc", "")
        self.assertIn("exporter/net/", self.complaints(readme.main))


class Boards(CheckTest):
    def setUp(self):
        super().setUp()
        shutil.copytree(os.path.join(ROOT, "dashboards"), os.path.join(self.root, "dashboards"))
        os.makedirs(os.path.join(self.root, "tests/data"))
        shutil.copy(os.path.join(ROOT, "tests/data/board.schema.json"), os.path.join(self.root, "tests/data"))
        self.path = os.path.join(self.root, "dashboards/grafana/instance.json")
        with open(self.path, encoding="utf-8") as file:
            self.board = json.load(file)
        self.stat, self.graph = (next(panel for panel in self.board["panels"] if panel["type"] == kind)
                                 for kind in ("stat", "timeseries"))

    def verdict(self):
        with open(self.path, "w", encoding="utf-8") as file:
            json.dump(self.board, file)
        return self.complaints(boards.main)

    def test_accepts_what_the_sources_make(self):
        self.assertEqual("", self.complaints(boards.main))

    def test_refuses_a_board_that_its_source_does_not_make(self):
        self.board["title"] += " "
        self.assertIn("instance.json is stale", self.verdict())

    def test_refuses_what_grafana_would_not_show_well(self):
        cases = [
            (lambda: self.board.update(__inputs=[]), "instance.json: "),
            (lambda: self.stat.update(description="Whether it is up."), "description"),
            (lambda: self.stat["fieldConfig"]["defaults"].pop("unit"), "'unit' is a required property"),
            (lambda: self.stat.update(datasource={"type": "prometheus", "uid": "abc"}), "datasource"),
            (lambda: self.stat.update(type="grafana-polystat-panel"), "type"),
            (lambda: self.stat.update(id=self.graph["id"]), "two panels have one id"),
            (lambda: self.stat["gridPos"].update(x=1), "lies over"),
            (lambda: self.board["panels"].append({**self.stat, "id": 999, "gridPos": {"x": 23, "y": 400, "w": 3, "h": 3}}),
             "wider than the board"),
            (lambda: self.graph["fieldConfig"]["defaults"]["links"].append(
                {"title": "Open", "url": "/d/pgbeacon-nowhere?x", "targetBlank": False}), "which is no board"),
            (lambda: self.graph["fieldConfig"]["defaults"]["links"].append(
                {"title": "Open", "url": "/d/pgbeacon-fleet?var-server=x", "targetBlank": False}), "does not have"),
            (lambda: self.stat["targets"][0].update(expr="pg_up{instance=~'$host'}"), "no variable host"),
            (lambda: self.stat["targets"][0].update(range=True), "shows one value"),
            (lambda: self.graph["targets"][0].update(expr="rate(x[5m])"), "$__rate_interval"),
            (lambda: self.stat["fieldConfig"]["defaults"]["thresholds"]["steps"].append(
                {"color": "red", "value": 0.97}), "thresholds.yml does not"),
        ]
        good = json.dumps(self.board)
        for change, complaint in cases:
            with self.subTest(complaint=complaint):
                self.board = json.loads(good)
                self.stat, self.graph = (next(panel for panel in self.board["panels"] if panel["type"] == kind)
                                         for kind in ("stat", "timeseries"))
                change()
                self.assertIn(complaint, self.verdict())


class Dashboards(CheckTest):
    """dashboards/generate on a copy."""

    def setUp(self):
        super().setUp()
        for folder in ("dashboards", "docs/runbooks"):
            shutil.copytree(os.path.join(ROOT, folder), os.path.join(self.root, folder))
        shutil.copy(os.path.join(ROOT, "docs/alerts.md"), os.path.join(self.root, "docs"))

    def generate(self, *options):
        done = subprocess.run([sys.executable, os.path.join(self.root, "dashboards/generate"), *options],
                              capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout + done.stderr

    def change(self, path, before, after):
        with open(os.path.join(self.root, path), encoding="utf-8") as file:
            text = file.read()
        self.assertIn(before, text)
        self.write(path, text.replace(before, after))

    def test_accepts_what_is_here(self):
        self.assertEqual((0, ""), self.generate("--check"))

    def test_an_own_address_of_runbooks_outlives_a_change(self):
        self.change("dashboards/settings.yml", "https://runbooks.example/pgbeacon/%s", "https://wiki.test/a%20b/%s")
        self.assertEqual((0, ""), self.generate())
        self.change("dashboards/thresholds.yml", "value: 0.8, for: 10m", "value: 0.85, for: 10m")
        status, told = self.generate("--check")
        self.assertEqual(1, status)
        self.assertIn("PgConnectionsHigh.md is stale", told)
        self.assertEqual((0, ""), self.generate())
        self.assertEqual((0, ""), self.generate("--check"))
        with open(os.path.join(self.root, "dashboards/rules/alerts.yml"), encoding="utf-8") as file:
            rules = file.read()
        self.assertIn("runbook_url: 'https://wiki.test/a%20b/PgDown'", rules)
        self.assertNotIn("runbooks.example", rules)

    def test_refuses_an_address_without_a_place_for_the_name(self):
        self.change("dashboards/settings.yml", "pgbeacon/%s", "pgbeacon")
        self.assertEqual((1, "generate: settings.yml: runbook_url is an address with %s for the alert's name\n"),
                         self.generate())

    def test_tells_of_a_runbook_whose_alert_is_gone(self):
        self.write("docs/runbooks/PgGone.md", "# PgGone\n")
        for options in (["--check"], []):
            status, told = self.generate(*options)
            self.assertEqual(1, status)
            self.assertIn("docs/runbooks/PgGone.md is of no alert", told)

    def test_refuses_to_mute_what_is_no_alert(self):
        self.change("dashboards/alerts/wal.yml", "instance: [PgArchiveBacklog]", "instance: [PgArchiveBacklogs]")
        self.assertEqual((1, "generate: alert PgArchiveFailing mutes PgArchiveBacklogs, which is no other alert\n"),
                         self.generate("--check"))


if __name__ == "__main__":
    unittest.main()
