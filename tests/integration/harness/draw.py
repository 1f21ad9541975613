"""Small SVG graphs and numbers in Grafana's units, for the contact sheet of the boards."""

import html
import math
import time

PALETTE = ["#3b82d0", "#d97706", "#3f9142", "#c2410c", "#7c5cc4", "#0e8f8f", "#b83280", "#8a7a12", "#64748b", "#b45353"]
LEFT, BOTTOM, TOP = 58, 16, 6


def number(value, unit="short", decimals=None):
    """`value` as Grafana writes it."""
    if value is None or math.isnan(value):
        return "-"
    if unit == "s":
        return _seconds(value)
    if unit == "percentunit":
        percent = value * 100
        if decimals is None:
            return f"{percent:.0f}%" if abs(percent) >= 1000 else f"{percent:.3g}%"
        return f"{percent:.{decimals}f}%"
    if unit in ("bytes", "binBps"):
        return _scaled(value, 1024, ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]) + ("/s" if unit == "binBps" else "")
    if decimals is not None and abs(value) < 1000:
        return f"{value:.{decimals}f}" + ("/s" if unit == "cps" else "")
    if unit == "none":
        return f"{value:.0f}" if value == int(value) or abs(value) >= 100 else f"{value:.3g}"
    text = _scaled(value, 1000, ["", "K", "Mil", "Bil", "Tri"]) if abs(value) >= 1000 else f"{value:.3g}"
    return text + ("/s" if unit == "cps" else "")


def _scaled(value, base, names):
    size = 0
    while abs(value) >= base and size < len(names) - 1:
        value, size = value / base, size + 1
    return f"{value:.3g} {names[size]}".strip()


def _seconds(value):
    size = abs(value)
    if size == 0:
        return "0 s"
    for limit, factor, name in ((1e-3, 1e6, "us"), (1, 1e3, "ms"), (60, 1, "s"), (3600, 1 / 60, "min"),
                                (86400, 1 / 3600, "h"), (86400 * 14, 1 / 86400, "d")):
        if size < limit:
            return f"{value * factor:.3g} {name}"
    return f"{value / 604800:.3g} wk"


class Scale:
    """Values to heights between `top` and `bottom`, linear or logarithmic."""

    def __init__(self, low, high, top, bottom, log=False):
        self.log = log and high > 0
        if self.log:
            low = max(low, high / 1e6)
        elif high == low:
            high = low + 1
        self.low, self.high, self.top, self.bottom = low, high, top, bottom

    def __call__(self, value):
        if self.log:
            share = math.log(max(value, self.low) / self.low) / max(math.log(self.high / self.low), 1e-9)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.bottom - min(max(share, 0), 1.02) * (self.bottom - self.top)

    def marks(self, count=4):
        if self.log:
            ratio = (self.high / self.low) ** (1 / (count - 1))
            return [self.low * ratio ** step for step in range(count)]
        return [self.low + (self.high - self.low) * step / (count - 1) for step in range(count)]


def graph(lines, width, height, unit, span, limits=(), log=False, bounds=(None, None)):
    """Lines are (color, dashed, filled from, [(time, value)]); spans and limits in data units."""
    values = [value for *_, points in lines for _, value in points]
    low, high = min([0, *values]), max([*values, *([0] if values else [1])])
    low = bounds[0] if bounds[0] is not None else low
    high = bounds[1] if bounds[1] is not None else high * 1.05 if high else 1
    if log:
        low = min((value for value in values if value > 0), default=1e-3)
    scale = Scale(low, high, TOP, height - BOTTOM, log)
    across = Scale(span[0], span[1], width - 4, LEFT)
    parts = []
    for mark in scale.marks():
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{width}" y1="{scale(mark):.1f}" y2="{scale(mark):.1f}"/>'
                     f'<text x="{LEFT - 6}" y="{scale(mark) + 3:.1f}" class="axis end">{number(mark, unit)}</text>')
    for share in (0, 0.5, 1):
        at = span[0] + (span[1] - span[0]) * share
        anchor = ("", " middle", " end")[int(share * 2)]
        parts.append(f'<text x="{across(at):.1f}" y="{height - 3}" class="axis{anchor}">'
                     f'{time.strftime("%H:%M:%S", time.gmtime(at))}</text>')
    for value, colour in limits:
        if scale.low <= value <= scale.high:
            parts.append(f'<line x1="{LEFT}" x2="{width}" y1="{scale(value):.1f}" y2="{scale(value):.1f}" '
                         f'stroke="{colour}" stroke-dasharray="6 4"/>')
    for colour, dashed, base, points in lines:
        parts += _line(points, base, colour, dashed, across, scale)
    return svg(width, height, parts)


def _line(points, base, colour, dashed, across, scale):
    places = [(across(at), scale(value)) for at, value in points]
    if not places:
        return
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    if base is not None:
        back = " ".join(f"{across(at):.1f},{scale(value):.1f}" for at, value in reversed(base))
        yield f'<polygon points="{path} {back}" fill="{colour}" fill-opacity=".28"/>'
    if len(places) == 1:
        yield f'<circle cx="{places[0][0]:.1f}" cy="{places[0][1]:.1f}" r="2" fill="{colour}"/>'
    dash = ' stroke-dasharray="8 6"' if dashed else ""
    yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.4"{dash}/>'


def bars(rows, width, height, span):
    """Rows are (name, [(from, to, color, text)])."""
    across = Scale(span[0], span[1], width - 4, LEFT + 30)
    tall = min(30, (height - BOTTOM) / max(len(rows), 1))
    parts = []
    for index, (name, pieces) in enumerate(rows):
        y = index * tall
        parts.append(f'<text x="{LEFT + 24}" y="{y + tall * .6:.1f}" class="axis end">{html.escape(name[:14])}</text>')
        for start, end, colour, text in pieces:
            x, wide = across(start), max(across(end) - across(start), 1)
            parts.append(f'<rect x="{x:.1f}" y="{y + 2:.1f}" width="{wide:.1f}" height="{tall - 4:.1f}" fill="{colour}"/>')
            if wide > 40:
                parts.append(f'<text x="{x + 5:.1f}" y="{y + tall * .6:.1f}" class="on">{html.escape(text)}</text>')
    return svg(width, height, parts)


def cells(columns, names, width, height, span):
    """A heatmap: columns are (time, [count of each bucket]), buckets from below."""
    across = Scale(span[0], span[1], width - 4, LEFT)
    most = max((count for _, counts in columns for count in counts), default=0) or 1
    tall = (height - BOTTOM - TOP) / max(len(names), 1)
    wide = (width - LEFT) / max(len(columns), 1)
    parts = []
    for index, name in enumerate(names):
        y = height - BOTTOM - (index + 1) * tall
        if index % 2 == 0:
            parts.append(f'<text x="{LEFT - 6}" y="{y + tall * .8:.1f}" class="axis end">{name}</text>')
        for at, counts in columns:
            if counts[index] > 0:
                shade = 0.15 + 0.85 * math.sqrt(counts[index] / most)
                parts.append(f'<rect x="{across(at):.1f}" y="{y:.1f}" width="{wide + .5:.1f}" height="{tall - .5:.1f}" '
                             f'fill="#d97706" fill-opacity="{shade:.2f}"/>')
    return svg(width, height, parts)


def svg(width, height, parts):
    return f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}">{"".join(parts)}</svg>'
