#!/usr/bin/python3
"""Writes tests/data/postgres-15-msgids.txt: those of PostgreSQL 15's message texts that rows of
logparse/events.yml quote, one a line with \\n for line feeds. Run it after adding a row, on a machine
with the packages postgresql-15, gettext and python3-yaml:

    tests/data/make_msgids.py
"""
import ast
import pathlib
import re
import subprocess

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
CATALOGUE = "/usr/share/locale/de/LC_MESSAGES/postgres-15.mo"


def msgids(po):
    """The msgids, singular and plural, of a PO file's text."""
    for match in re.finditer(r'^msgid(?:_plural)? ((?:".*"\n)+)', po, re.M):
        yield "".join(ast.literal_eval(line) for line in match.group(1).splitlines())


def main():
    po = subprocess.run(["msgunfmt", CATALOGUE], check=True, capture_output=True, text=True).stdout
    events = yaml.safe_load((ROOT / "logparse/events.yml").read_text())["events"]
    leads = set()
    for row in events:
        texts = row.get("text", [])
        for text in [texts] if isinstance(texts, str) else texts:
            literals = re.split(r"\{[^}]*\}|\[|\]", text)
            leads.add(max(literals, key=len).strip(" $")[:24])
    found = sorted({msgid for msgid in msgids(po)
                    if any(lead in re.sub(" +", " ", msgid) for lead in (re.sub(" +", " ", l) for l in leads))})
    out = ROOT / "tests/data/postgres-15-msgids.txt"
    out.write_text("".join(msgid.replace("\\", "\\\\").replace("\n", "\\n") + "\n" for msgid in found))
    print(f"{out.relative_to(ROOT)}: {len(found)} message texts")


if __name__ == "__main__":
    main()
