"""Libraries of tests/support that change what a program sees of its machine."""

import os
import re
import struct
import subprocess

from .beacon import ROOT
from .users import give


def preload(case, name, program, **settings):
    """What to put before the command of `program`, so that tests/support/NAME.c is a part of it."""
    folder = case.folder()
    os.chmod(folder, 0o755)
    library = os.path.join(folder, name + ".so")
    source = os.path.join(ROOT, "tests", "support", name + ".c")
    subprocess.run([os.environ.get("CC", "gcc"), "-O1", "-shared", "-fPIC", "-o", library, source], check=True)
    needs = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    # A sanitizer's library has to be the first one there is.
    first = re.findall(r"=> (\S*/lib(?:asan|tsan)\S*)", needs)
    return ["env", "LD_PRELOAD=" + ":".join([*first, library]), *(f"{key}={value}" for key, value in settings.items())]


class Clock:
    """A clock of its own for a program, which a test may step while the program runs."""

    def __init__(self, case):
        self._case = case
        self._file = case.write("step", "\0" * 8)
        folder = os.path.dirname(self._file)
        os.chmod(folder, 0o755)
        give(self._file)

    def step(self, seconds):
        """The time is so much later than the machine's, from now on."""
        with open(self._file, "r+b", buffering=0) as file:
            file.write(struct.pack("q", seconds))

    def command(self, program):
        return preload(self._case, "stepped_clock", program, PGB_CLOCK=self._file)
