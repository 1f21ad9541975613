#!/usr/bin/env python3
"""Committed files name no machine's folders, sources are ASCII, scripts parse and are executable.

    hygiene.py ROOT
"""

import ast
import os
import re
import subprocess
import sys

from source_tree import project_files, read, report

MACHINE_PATH = re.compile(r"(?<![\w./-])/(?:home|root|Users|work)/|\bshared" + "/")
BINARY = re.compile(r"\.(png|ico|gz|woff2?)$")
ASCII_ONLY = re.compile(r"\.(h|cc|py|sh|cmake|yml)$|^(run|test)\.sh$|^\.ci/run$")
TRANSLATIONS = ("logparse/labels.yml", "logparse/locales.yml")


def script_problems(root, path, text):
    if text.startswith("#!/bin/bash") or path.endswith(".sh"):
        done = subprocess.run(["bash", "-n", os.path.join(root, path)], stderr=subprocess.PIPE,
                              text=True, check=False)
        if done.returncode != 0:
            yield f"{path}: {done.stderr.strip()}"
    if path.endswith(".py"):
        try:
            ast.parse(text)
        except SyntaxError as error:
            yield f"{path}:{error.lineno}: {error.msg}"
    if text.startswith("#!") and not os.access(os.path.join(root, path), os.X_OK):
        yield f"{path}: has an interpreter line and is not executable"


def text_problems(path, text):
    corpus = path.startswith(("tests/fuzz/corpus/", "tests/data/", *TRANSLATIONS))
    for number, line in enumerate(text.split("\n"), 1):
        if MACHINE_PATH.search(line) and not corpus:
            yield f"{path}:{number}: names a folder of one machine: {line.strip()}"
        if ASCII_ONLY.search(path) and not line.isascii() and not corpus:
            yield f"{path}:{number}: has a character outside ASCII"


def main(root):
    problems = []
    for path in project_files(root):
        if BINARY.search(path):
            continue
        text = read(root, path)
        problems += text_problems(path, text)
        problems += script_problems(root, path, text)
    return report(problems)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
