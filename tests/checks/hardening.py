#!/usr/bin/env python3
"""Whether programs are built as the hardening of packaging/cmake/hardening.cmake asks.

    hardening.py [PROGRAM...] [--compiled PROGRAM...]

Those after --compiled must have been compiled with all of it; of the others only what the linker does is looked at.
"""

import platform
import re
import subprocess
import sys


def tool(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def linked(path):
    headers, dynamic = tool("readelf", "-hlW", path), tool("readelf", "-dW", path)
    if not re.search(r"Type:\s+DYN", headers):
        yield "is no position independent executable"
    if "GNU_RELRO" not in headers:
        yield "has no read-only relocations (RELRO)"
    if not re.search(r"FLAGS_1\).*\bNOW\b|\bBIND_NOW\b", dynamic):
        yield "binds symbols late: RELRO is not full"
    stack = re.search(r"GNU_STACK .* ([R ][W ][E ]) +0\w*$", headers, re.MULTILINE)
    if not stack or "E" in stack.group(1):
        yield "has an executable stack"
    if re.search(r"LOAD\s.*\sRWE\s", headers):
        yield "has a segment that can be written and executed"
    if re.search(r"\((RPATH|RUNPATH)\)", dynamic):
        yield "looks for libraries in a folder of its own"


def compiled(path):
    symbols = tool("readelf", "-sW", path)
    if "__stack_chk_fail" not in symbols:
        yield "has no stack protector"
    if not re.search(r"__\w+_chk\b", symbols.replace("__stack_chk_fail", "")):
        yield "has no checked calls of libc (FORTIFY_SOURCE)"
    if platform.machine() == "x86_64":
        if "endbr64" not in tool("objdump", "-d", "--no-show-raw-insn", path).split("<main>:")[1][:200]:
            yield "is compiled without control-flow protection (CET)"


def main(words):
    problems = []
    judge = [linked]
    for word in words:
        if word == "--compiled":
            judge.append(compiled)
            continue
        problems += [f"{word} {problem}" for check in judge for problem in check(word)]
    print("\n".join(problems) or "as hardened as asked for")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
