#!/usr/bin/env python3
"""Every header compiles alone.

    headers.py ROOT COMPILER FLAG...    FLAGs are what the build compiles with (-I, -std)
"""

import concurrent.futures
import subprocess
import sys

from source_tree import cpp_files, report

JOBS = 2


def compile_alone(root, compiler, header):
    done = subprocess.run(
        [*compiler, "-I", root, "-fsyntax-only", "-x", "c++", "-"], input=f'#include "{header}"\n',
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return None if done.returncode == 0 else f"{header} does not compile alone:\n{done.stdout}"


def main(root, compiler):
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        results = pool.map(lambda header: compile_alone(root, compiler, header),
                           cpp_files(root, suffixes=(".h",)))
        return report([problem for problem in results if problem])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
