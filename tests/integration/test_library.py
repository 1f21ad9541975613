"""The installed log parser: docs/examples/logparse builds against its CMake package and works."""

import os
import re
import subprocess
import unittest

from harness.beacon import BIN
from harness.case import BeaconCase
from harness.pages import DATA

BUILD = os.path.dirname(BIN)
EXAMPLE = os.path.join(os.path.dirname(DATA), "..", "docs", "examples", "logparse")
LOG = """\
2026-11-20 20:14:23.488 UTC [7] LOG:  duration: 12.250 ms  statement: select 1
2026-11-20 20:14:23.489 UTC [7] ERROR:  relation "missing" does not exist at character 15
2026-11-20 20:14:23.489 UTC [7] STATEMENT:  select * from missing
2026-11-20 20:14:23.490 UTC [8] ERROR:  relation "gone" does not exist at character 15
"""


def cached(name):
    """A variable of the build that the program comes from."""
    with open(os.path.join(BUILD, "CMakeCache.txt"), encoding="utf-8") as file:
        found = re.search(rf"(?m)^{name}:\w+=(.*)$", file.read())
    return found.group(1) if found else ""


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


class Library(BeaconCase):
    def test_the_example_builds_against_the_package_and_counts(self):
        folder = self.folder()
        prefix, build = os.path.join(folder, "prefix"), os.path.join(folder, "build")
        run("cmake", "--install", BUILD, "--component", "logparse", "--prefix", prefix)
        self.assertFalse(os.path.exists(os.path.join(prefix, "bin")), "the program is another component")
        sanitize = cached("PGB_SANITIZE")
        flags = f"-fsanitize={sanitize}" if sanitize else ""
        run("cmake", "-S", EXAMPLE, "-B", build, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}",
            f"-DCMAKE_CXX_COMPILER={cached('CMAKE_CXX_COMPILER')}", f"-DCMAKE_CXX_FLAGS={flags}")
        run("cmake", "--build", build)
        counts = run(os.path.join(build, "count_errors"), input=LOG)
        self.assertEqual(["1", "00000", "query_duration", "2", "42P01", "undefined_table"],
                         counts.split())

    def test_unknown_components_are_refused(self):
        folder = self.folder()
        prefix = os.path.join(folder, "prefix")
        run("cmake", "--install", BUILD, "--component", "logparse", "--prefix", prefix)
        self.write("CMakeLists.txt", "cmake_minimum_required(VERSION 3.25)\nproject(x LANGUAGES CXX)\n"
                                     "find_package(pgbeacon REQUIRED COMPONENTS nonsense)\n", folder)
        done = subprocess.run(["cmake", "-S", folder, "-B", os.path.join(folder, "b"),
                               f"-DCMAKE_PREFIX_PATH={prefix}"], capture_output=True, text=True, check=False)
        self.assertNotEqual(0, done.returncode)
        self.assertIn("nonsense", done.stderr)


if __name__ == "__main__":
    unittest.main()
