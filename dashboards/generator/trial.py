"""Rules for trials: what takes minutes takes seconds, what takes gigabytes takes megabytes, all else is as it is.

Example:
    trial = Trial(faster=60, smaller=60)
    trial.numbers("bytes", {"value": 1000000000})     # {"value": 16666666.67}
    trial.ranges("rate(pg_stat_wal_bytes_total[5m])")  # rate(pg_stat_wal_bytes_total[5s])
"""

import dataclasses
import re

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_RANGE = re.compile(r"(\[|\boffset )(\d+[smhd])\b")


@dataclasses.dataclass
class Trial:
    """Times are divided by `faster`, sizes by `smaller`."""

    faster: float
    smaller: float

    def numbers(self, unit, level):
        """What the level of a check with this unit compares with; the names under `more` are units."""
        shrunk = {"value": self._number(unit, level["value"])}
        if "more" in level:
            shrunk["more"] = {name: self._number(name, value) for name, value in level["more"].items()}
        return shrunk

    def hurried(self, alert):
        return dataclasses.replace(alert, duration=self._duration(alert.duration),
                                   keep=alert.keep and self._duration(alert.keep), expr=self.ranges(alert.expr))

    def ranges(self, text):
        return _RANGE.sub(lambda found: found[1] + self._duration(found[2]), text)

    def _number(self, unit, value):
        return value / {"seconds": self.faster, "bytes": self.smaller}.get(unit, 1)

    def _duration(self, text):
        milliseconds = round(int(text[:-1]) * _UNITS[text[-1]] * 1000 / self.faster)
        if milliseconds % 1000:
            return f"{milliseconds}ms"
        return f"{milliseconds // 1000}s" if milliseconds else "0m"
