"""What the checks look at: the project's own files, and C++ without comments and literals."""

import os
import re
import subprocess

SOURCE_FOLDERS = ("base", "collectors", "logparse", "exporter")


def project_files(root):
    """Relative paths of the files that are, or would be, committed."""
    listing = subprocess.run(
        ["git", "-C", root, "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    if listing.returncode == 0 and listing.stdout:
        paths = sorted(set(listing.stdout.decode().split("\0")) - {""})
        return [path for path in paths if os.path.isfile(os.path.join(root, path))]
    return [path for path in _walk(root) if not path.startswith(("build/", ".git/"))]


def _walk(root):
    for folder, _, names in sorted(os.walk(root)):
        for name in sorted(names):
            yield os.path.relpath(os.path.join(folder, name), root)


def cpp_files(root, folders=SOURCE_FOLDERS, suffixes=(".h", ".cc")):
    return [path for path in project_files(root)
            if path.split("/")[0] in folders and path.endswith(suffixes)]


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8", errors="surrogateescape") as file:
        return file.read()


_NOISE = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<raw>[^(\s]*)\(.*?\)(?P=raw)"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'',
    re.DOTALL)


def without_noise(text):
    """`text` with comments blank and literals empty; line numbers stay."""
    def blank(match):
        found = match.group(0)
        lines = "\n" * found.count("\n")
        return lines + ("" if found.startswith("/") else '""')
    return _NOISE.sub(blank, text)


def report(problems):
    """Prints them and gives the exit status."""
    for problem in problems:
        print(problem)
    return 1 if problems else 0
