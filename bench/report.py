"""What the figures say: rates, the budgets of the log engine, and both as tables."""

import os
import re

OURS = "pgbeacon"
CLASS_LINES_PER_SECOND = 1.5e6
MOST_RSS_KIB = 64 << 10


def machine():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        model = re.search(r"^model name\s*: (.*)$", file.read(), re.MULTILINE)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {"cpu": model[1] if model else "unknown", "cores": os.cpu_count(), "memory_gib": memory >> 30}


def judge(results):
    """The budgets whose contenders ran: name, wanted, measured, whether met."""
    runs, clock = results["contenders"], results["judged_by"]
    budgets = []

    def add(name, wanted, measured, at_least=True, unit="x"):
        met = measured >= wanted if at_least else measured <= wanted
        missed = wanted / measured if at_least else measured / wanted
        budgets.append({"name": name, "wanted": f"{'>=' if at_least else '<='} {wanted:g} {unit}",
                        "measured": round(measured, 2), "met": met,
                        "missed_by": None if met else round(missed, 2)})

    def time_per(name, what, by=clock):
        return runs[name][by] / runs[name][what]

    if OURS in runs:
        if "rg" in runs:
            add("time against rg -c", 1.5, time_per(OURS, "bytes") / time_per("rg", "bytes"), False)
        for peer, wanted in (("mtail", 40), ("pgbadger", 300)):
            if peer in runs:
                add(f"speed against {peer}", wanted, time_per(peer, "lines") / time_per(OURS, "lines"))
        if f"{OURS}-2-threads" in runs:
            add("two threads against one, wall time", 1.8,
                runs[OURS]["wall"] / runs[f"{OURS}-2-threads"]["wall"])
        for form, wanted in (("csv", 0.7), ("json", 0.5), ("fingerprints", 0.4)):
            if f"{OURS}-{form}" in runs:
                add(f"bytes/s of {form} against stderr", wanted,
                    time_per(OURS, "bytes") / time_per(f"{OURS}-{form}", "bytes"))
    own = [run["rss_kib"] for name, run in runs.items() if name.startswith((OURS, "class-"))]
    if own:
        add("memory", MOST_RSS_KIB / 1024, max(own) / 1024, False, "MiB")
    for name, run in runs.items():
        if name.startswith("class-"):
            add(f"lines/s of {name}", CLASS_LINES_PER_SECOND / 1e6, run["lines"] / run[clock] / 1e6,
                unit="M/s")
    return budgets


def run_rows(results):
    yield ["contender", "version", "lines", "wall s", "CPU s", "M lines/s", "MB/s", "peak MiB"]
    for name, run in results["contenders"].items():
        yield [name, run["version"], f"{run['lines']:,}", f"{run['wall']:.3f}", f"{run['cpu']:.3f}",
               f"{run['lines'] / run['wall'] / 1e6:.3f}", f"{run['bytes'] / run['wall'] / 1e6:.0f}",
               f"{run['rss_kib'] / 1024:.0f}"]


def budget_rows(results):
    yield ["budget", "wanted", "measured", "verdict"]
    for budget in results["budgets"]:
        verdict = "met" if budget["met"] else f"missed by {budget['missed_by']} x"
        yield [budget["name"], budget["wanted"], f"{budget['measured']:g}", verdict]


def about(results):
    machine_, corpus, load = results["machine"], results["corpus"], results["load"]
    return (f"{machine_['cpu']}, {machine_['cores']} cores, {machine_['memory_gib']} GiB; load average "
            f"{load['before'][0]:.2f} before and {load['after'][0]:.2f} after; medians of "
            f"{results['rounds']} rounds; budgets by {results['judged_by']} time. Corpus: "
            f"{corpus['lines']:,} lines, {corpus['bytes'] / 1e6:.0f} MB, PostgreSQL "
            f"{corpus['server'].split()[0]}"
            + (f", one run repeated {corpus['repeated']} times" if corpus["repeated"] > 1 else "") + ".")


def text(results):
    def table(rows):
        rows = list(rows)
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        return "\n".join("  ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                                   for i, (cell, width) in enumerate(zip(row, widths)))
                         for row in rows)
    return "\n\n".join([table(run_rows(results)), table(budget_rows(results)), about(results)])


def markdown(results):
    def table(rows):
        rows = list(rows)
        ruler = ["---"] + ["---:"] * (len(rows[0]) - 1)
        return "\n".join("| " + " | ".join(row) + " |" for row in [rows[0], ruler, *rows[1:]])
    return "\n\n".join([about(results), table(run_rows(results)), table(budget_rows(results))])
