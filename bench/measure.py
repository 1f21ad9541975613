"""Runs every contender in turn, round after round; first of all each must count the same."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

import report
from contenders import all_contenders, class_contenders


def run(command):
    """The output of `command` and what it took: seconds of wall and CPU time, KiB of memory."""
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - started
    process.stdout.close()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: status {process.returncode}")
    return output.decode(), {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime,
                             "rss_kib": usage.ru_maxrss}


def expected(contender):
    """How many durations are there, by an independent count. csvlog and jsonlog tell the same as the
    stderr log beside them."""
    file = contender.file
    if not file.endswith(".log"):
        file = os.path.splitext(file)[0] + ".log"
    done = subprocess.run(["grep", "-cE", contender.pattern, file], env={**os.environ, "LC_ALL": "C"},
                          stdout=subprocess.PIPE, text=True, check=False)
    return int(done.stdout)


def same_counts(contenders):
    """Whether all count right; tells what each counted. The files are in the page cache after it."""
    right = True
    for contender in contenders:
        output, _ = run(contender.command)
        if contender.count is None:
            continue
        counted, wanted = contender.count(output), expected(contender)
        verdict = "" if counted == wanted else f"  WRONG, there are {wanted:,}"
        print(f"{contender.name:24} {counted:>12,} durations{verdict}", file=sys.stderr)
        right = right and counted == wanted
    return right


def measure_sizes(contender):
    with open(contender.file, "rb") as log:
        while block := log.read(1 << 20):
            contender.lines += block.count(b"\n")
            contender.bytes += len(block)


def median_of(contender):
    medians = {key: statistics.median(sample[key] for sample in contender.samples)
               for key in ("wall", "cpu")}
    return {**medians, "rss_kib": max(sample["rss_kib"] for sample in contender.samples),
            "lines": contender.lines, "bytes": contender.bytes, "version": contender.version,
            "command": contender.command, "samples": contender.samples}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", type=lambda text: text.split(","))
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--cpu", action="store_true")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--no-budgets", action="store_true")
    return parser.parse_args()


def main():
    options = parse_arguments()
    with open(os.path.join(options.corpus, "corpus.json"), encoding="utf-8") as file:
        corpus = json.load(file)
    contenders = [*all_contenders(options.binary, options.corpus, corpus["prefix"]),
                  *class_contenders(options.binary, options.corpus)]
    if options.list:
        print("\n".join(contender.name for contender in contenders))
        return
    if options.only:
        contenders = [contender for contender in contenders if contender.name in options.only]
    if not same_counts(contenders):
        raise SystemExit("a wrong count voids the run")
    for contender in contenders:
        measure_sizes(contender)
    load_before = os.getloadavg()
    for number in range(1, options.rounds + 1):
        print(f"\rround {number} of {options.rounds}", end="", file=sys.stderr, flush=True)
        for contender in contenders:
            contender.samples.append(run(contender.command)[1])
    print(file=sys.stderr)
    results = {"corpus": corpus, "machine": report.machine(), "rounds": options.rounds,
               "load": {"before": load_before, "after": os.getloadavg()},
               "judged_by": "cpu" if options.cpu else "wall",
               "contenders": {contender.name: median_of(contender) for contender in contenders}}
    results["budgets"] = report.judge(results)
    with open(os.path.join(os.path.dirname(options.corpus), "results.json"), "w",
              encoding="utf-8") as file:
        json.dump(results, file, indent=2)
        file.write("\n")
    print(report.markdown(results) if options.markdown else report.text(results))
    if not options.no_budgets and not all(budget["met"] for budget in results["budgets"]):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
