"""Waiting for conditions. Nothing here sleeps in the hope that something has happened by then."""

import time


def wait_for(condition, what, timeout=20.0, interval=0.05):
    """Asks condition() until it is true and returns its value; AssertionError after `timeout`."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout} s in vain for {what}; last seen: {value!r}")
        time.sleep(interval)


def wait_equal(read, wanted, what, timeout=20.0):
    """Asks read() until it gives `wanted`; AssertionError with the last value after `timeout`."""
    last = []

    def same():
        last[:] = [read()]
        return last[0] == wanted

    try:
        wait_for(same, what, timeout)
    except AssertionError:
        raise AssertionError(f"{what}: wanted {wanted!r}, still {last[0]!r} after {timeout} s") from None
