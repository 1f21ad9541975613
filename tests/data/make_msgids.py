#!/usr/bin/python3
"""Writes tests/data/postgres-MAJOR-msgids.txt for the majors 13 to 18: those of the server's message texts
that wordings and lines of logparse/events.yml quote, one a line with \\n for line feeds. The texts are the
printf formats in the programs themselves (postgres and the modules that log), so that what the server does
not translate is there too. Run it after adding a row, with the servers of build/tools (fetched for the
version tests), Debian's postgresql-15 and python3-yaml:

    tests/data/make_msgids.py

It prints what no major prints: put together by the server from pieces (tests/data/composed-wordings.txt) or
a typo.
"""
import pathlib
import re

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
MAJORS = range(13, 19)
MODULES = ["libpqwalreceiver.so", "auto_explain.so", "plpgsql.so", "pgoutput.so"]
HOLE = "\x01"


def one_blank(text):
    return re.sub(" +", " ", text)


def programs(major):
    """The files of one major that hold message texts."""
    roots = [ROOT / f"build/tools/postgres-{major}", ROOT / f"build/tools/postgres-{major}/usr/lib/postgresql/{major}",
             pathlib.Path(f"/usr/lib/postgresql/{major}")]
    root = next(root for root in roots if (root / "bin/postgres").exists())
    return [root / "bin/postgres"] + [path for name in MODULES for path in root.glob(f"lib/**/{name}")]


def strings(paths):
    """The C strings of programs. What a linker merged into the tail of another string stands at its end."""
    found = set()
    for path in paths:
        for match in re.finditer(rb"[\x20-\x7e\n\t]{4,}(?=\x00)", path.read_bytes()):
            found.add(one_blank(match.group().decode().replace("%%", "%")))
    return found


def forms(text):
    """The forms of a text with each optional part there or not, a hole being one byte."""
    out, without, i = [""], [], 0
    while i < len(text):
        c = text[i]
        if c == "{":
            close = text.index("}", i)
            if not text[i:close].endswith(":flag"):
                out = [form + HOLE for form in out]
            i = close
        elif c == "[":
            without = list(out)
        elif c == "]":
            out += without
        elif c != "$" or i + 1 < len(text):
            if c == "\\":
                i += 1
            out = [form + text[i] for form in out]
        i += 1
    return [one_blank(form) for form in out]


def listed(value):
    return value if isinstance(value, list) else [value] if value is not None else []


def wordings(events):
    for row in events:
        if row.get("side", "server") != "server":
            continue
        for key in "text", "also", "lines":
            for text in listed(row.get(key)):
                yield row["name"], text


class Strings:
    """One major's strings, searched by the forms of wordings."""

    def __init__(self, major):
        self.all = sorted(strings(programs(major)))
        self.heap = "\x00" + "\x00".join(self.all) + "\x00"

    def find(self, form):
        """The strings that begin as `form` says; where there is none, the ends of strings that do."""
        parts = form.rstrip(" ").split(HOLE)
        pattern = re.compile("[^\x00]+?".join(re.escape(part) for part in parts) + "[^\x00]*")
        for lead in "\x00" + parts[0], parts[0]:
            found, at = set(), self.heap.find(lead)
            while at >= 0:
                match = pattern.match(self.heap, at + len(lead) - len(parts[0]))
                if match:
                    found.add(match.group())
                at = self.heap.find(lead, at + 1)
            if found or not parts[0]:
                return found
        return set()


def main():
    events = yaml.safe_load((ROOT / "logparse/events.yml").read_text())["events"]
    composed = {line.split("\t")[0]: line.split("\t")[1:]
                for line in (ROOT / "tests/data/composed-wordings.txt").read_text().splitlines()
                if line and not line.startswith("#")}
    texts = list(wordings(events)) + [(name, piece) for name, pieces in composed.items() for piece in pieces if piece != "-"]
    seen = set()
    for major in MAJORS:
        server = Strings(major)
        found = set()
        for name, text in texts:
            hits = set().union(*(server.find(form) for form in forms(text)))
            found |= hits
            if hits:
                seen.add((name, text))
        out = ROOT / f"tests/data/postgres-{major}-msgids.txt"
        lines = sorted(text.replace("\\", "\\\\").replace("\n", "\\n") for text in found)
        out.write_text("".join(line + "\n" for line in lines))
        print(f"{out.relative_to(ROOT)}: {len(lines)} message texts")
    for name, text in texts:
        if (name, text) not in seen:
            print(f"no major prints {name}: {text}")


if __name__ == "__main__":
    main()
