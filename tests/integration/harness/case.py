"""Base of the end-to-end tests: a server pair per class, programs that end with their test."""

import os
import shutil
import threading
import unittest

from .beacon import Beacon
from .pages import promtool_complaints
from .postgres import BIN, Pair
from .tools import require
from .users import private_folder


class BeaconCase(unittest.TestCase):
    maxDiff = None

    def beacon(self, *arguments, **options):
        """A running exporter, stopped and judged at the end of the test."""
        program = Beacon(*arguments, **options)
        self.addCleanup(program.stop)
        return program

    def folder(self):
        path = private_folder()
        self.addCleanup(shutil.rmtree, path, ignore_errors=True)
        return path

    def write(self, name, text, folder=None):
        path = os.path.join(folder or self.folder(), name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def session(self, server, **where):
        """A database session that is closed at the end of the test."""
        session = server.connect(**where)
        self.addCleanup(session.close)
        return session

    def assert_promtool_content(self, page):
        self.assertFalse(page.openmetrics)
        self.assertEqual([], promtool_complaints(page.text))


class PairCase(BeaconCase):
    """One primary, with a standby unless `with_standby` is unset, for all tests of the class."""

    with_standby = True
    settings = {}

    @classmethod
    def setUpClass(cls):
        require(os.path.join(BIN, "postgres"), "PostgreSQL 15")
        cls.pair = Pair(settings=cls.settings, standby=cls.with_standby)
        cls.addClassCleanup(cls.pair.close)
        cls.primary = cls.pair.primary
        cls.standby = cls.pair.standby


class Background(threading.Thread):
    """Does something again and again until the `with` block ends; its exception fails the test."""

    def __init__(self, work):
        super().__init__(daemon=True)
        self.work = work
        self.rounds = 0
        self.ending = threading.Event()
        self.failure = None

    def run(self):
        try:
            while not self.ending.is_set():
                self.work()
                self.rounds += 1
        except BaseException as failure:  # told to the test's thread
            self.failure = failure

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, *_):
        self.ending.set()
        self.join(60)
        if self.failure and kind is None:
            raise self.failure


class MostBackends(Background):
    """Watches how many backends of one application a server has at once."""

    def __init__(self, server, application="pgbeacon"):
        super().__init__(self._look)
        self.most = 0
        self.session = server.connect(application="watcher")
        self.application = application

    def _look(self):
        with self.session.cursor() as cursor:
            cursor.execute("select count(*) from pg_stat_activity where application_name = %s",
                           (self.application,))
            self.most = max(self.most, cursor.fetchone()[0])
        self.ending.wait(0.02)

    def __exit__(self, *problem):
        super().__exit__(*problem)
        self.session.close()
