#!/usr/bin/env python3
"""The README's diagram leads to every folder that holds sources.

    readme.py ROOT
"""

import os
import re
import sys

from source_tree import cpp_files, read, report


def main(root):
    diagram = "\n".join(re.findall(r"```mermaid\n(.*?)```", read(root, "README.md"), re.DOTALL))
    folders = {os.path.dirname(path) for path in cpp_files(root, suffixes=(".h", ".cc", ".yml"))}
    return report([f"README.md: no diagram names {folder}/" for folder in sorted(folders)
                   if not re.search(rf"\b{re.escape(folder)}\b", diagram)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
