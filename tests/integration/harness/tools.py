"""Programs of others that tests need."""

import os
import subprocess
import sys
import unittest


def require(path, what):
    """`path`, when it is there. Its absence skips the test, visibly; in CI it fails it."""
    if os.path.exists(path):
        return path
    if os.environ.get("CI"):
        raise AssertionError(f"{what} is not there: {path}")
    print(f"SKIP: {what} is not there: {path}", file=sys.stderr)
    raise unittest.SkipTest(f"no {path}")


def call(*command, timeout=60, **options):
    """A command of others to its end, which comes by the timeout; output as text."""
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout,
                          **{"check": False, **options})
