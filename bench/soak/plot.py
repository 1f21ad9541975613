"""The picture of a soak, as SVG: scrape times, memory, descriptors and threads over time, faults as lines."""

import string

WIDTH, LEFT, RIGHT, PANEL, GAP, TOP = 960, 60, 20, 150, 46, 30
COLOURS = {"primary": "#1f5fa8", "standby": "#2a8a4a", "silent": "#b8741a", "gone": "#8a3f8f",
           "anonymous": "#1f5fa8", "resident": "#8aa0b8", "descriptors": "#2a8a4a", "threads": "#b8741a"}


def _escape(text):
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _step(most):
    """A round number of which about four fit into `most`."""
    step = 10.0 ** len(str(int(most / 4))) / 10 if most >= 4 else 0.1
    while most / step > 5:
        step *= 2 if most / step <= 10 else 5
    return step


class Panel:
    """One diagram: its own scale upwards, time in seconds to the right."""

    def __init__(self, index, title, seconds, most):
        self.top = TOP + index * (PANEL + GAP)
        self.seconds, self.most = max(seconds, 1), max(most * 1.05, 1e-9)
        self.parts = [f'<text x="{LEFT}" y="{self.top - 8}" font-weight="bold">{_escape(title)}</text>']
        value = 0.0
        step = _step(self.most)
        while value <= self.most:
            y = self.y(value)
            self.parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
                              f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
            value += step

    def x(self, seconds):
        return LEFT + (WIDTH - LEFT - RIGHT) * seconds / self.seconds

    def y(self, value):
        return self.top + PANEL * (1 - value / self.most)

    def line(self, name, points):
        path = " ".join(f"{self.x(at):.1f},{self.y(value):.1f}" for at, value in points)
        self.parts.append(f'<polyline points="{path}" fill="none" stroke="{COLOURS[name]}" stroke-width="1.3"/>')

    def dots(self, name, points):
        self.parts += [f'<circle cx="{self.x(at):.1f}" cy="{self.y(value):.1f}" r="1.7" fill="{COLOURS[name]}"/>'
                       for at, value in points]

    def legend(self, names):
        at = WIDTH - RIGHT
        for name in reversed(names):
            self.parts.append(f'<text x="{at}" y="{self.top - 8}" text-anchor="end" fill="{COLOURS[name]}">{name}</text>')
            at -= 12 + 7 * len(name)

    def marks(self, marks, letters):
        for at, name in marks:
            x = self.x(at)
            self.parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{self.top}" y2="{self.top + PANEL}" stroke="#c33" '
                              f'stroke-width="0.5" stroke-dasharray="2 3"/><text x="{x:.1f}" y="{self.top + PANEL + 12}" '
                              f'text-anchor="middle" fill="#c33" font-size="9">{letters[name]}</text>')


def draw(samples, scrapes, marks):
    """The SVG's text. Samples are (seconds, anonymous MiB, resident MiB, descriptors, threads), scrapes (seconds,
    target, took, up), marks (seconds, fault)."""
    seconds = samples[-1][0]
    letters = {}
    for _, name in marks:
        letters.setdefault(name, string.ascii_uppercase[len(letters) % 26])
    targets = sorted({row[1] for row in scrapes}, key=list(COLOURS).index)
    times = Panel(0, "time of a scrape, s", seconds, max(row[2] for row in scrapes))
    for target in targets:
        times.dots(target, [(row[0], row[2]) for row in scrapes if row[1] == target])
    times.legend(targets)
    memory = Panel(1, "memory, MiB", seconds, max(row[2] for row in samples))
    memory.line("resident", [(row[0], row[2]) for row in samples])
    memory.line("anonymous", [(row[0], row[1]) for row in samples])
    memory.legend(["anonymous", "resident"])
    counts = Panel(2, "descriptors and threads", seconds, max(row[3] for row in samples))
    counts.line("descriptors", [(row[0], row[3]) for row in samples])
    counts.line("threads", [(row[0], row[4]) for row in samples])
    counts.legend(["descriptors", "threads"])
    parts = []
    for panel in (times, memory, counts):
        panel.marks(marks, letters)
        parts += panel.parts
    bottom = counts.top + PANEL + 30
    for minute in range(0, int(seconds / 60) + 1, max(1, int(seconds / 600))):
        parts.append(f'<text x="{counts.x(minute * 60):.1f}" y="{bottom}" text-anchor="middle">{minute} min</text>')
    names = [f"{letter} {name}" for name, letter in letters.items()]
    for row in range(0, len(names), 6):
        parts.append(f'<text x="{LEFT}" y="{bottom + 20 + 2.5 * row}" fill="#c33">'
                     f'{_escape("   ".join(names[row:row + 6]))}</text>')
    height = bottom + 30 + 15 * (1 + len(names) // 6)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" '
            f'font-size="11"><rect width="100%" height="100%" fill="#fff"/>\n' + "\n".join(parts) + "\n</svg>\n")
