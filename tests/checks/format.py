#!/usr/bin/env python3
"""Every C++ file is as clang-format leaves it.

    format.py ROOT CLANG_FORMAT
"""

import os
import subprocess
import sys

from source_tree import SOURCE_FOLDERS, cpp_files, report


def main(root, clang_format):
    files = cpp_files(root, folders=(*SOURCE_FOLDERS, "tests", "bench"))
    bad = [path for path in files if subprocess.run(
        [clang_format, "--dry-run", "-Werror", os.path.join(root, path)],
        stderr=subprocess.DEVNULL, check=False).returncode != 0]
    return report([f"{path} is not formatted: {clang_format} -i {path}" for path in bad])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
