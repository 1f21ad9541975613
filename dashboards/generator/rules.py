"""Alerts as a Prometheus rule file, a group for each family."""

import textwrap

HEAD = "# Made by dashboards/generate from thresholds.yml and alerts/*.yml. Do not edit.\n\ngroups:\n"


def quoted(text):
    """A YAML scalar in single quotes, on one line."""
    return "'" + " ".join(text.split()).replace("'", "''") + "'"


def rule(alert, runbook_url):
    runbook = runbook_url.replace("%s", alert.name)
    lines = [f"- alert: {alert.name}"]
    if "\n" in alert.expr:
        lines += ["  expr: |", textwrap.indent(alert.expr, "    ")]
    else:
        lines += [f"  expr: {quoted(alert.expr)}"]
    if alert.duration != "0m":
        lines += [f"  for: {alert.duration}"]
    if alert.keep:
        lines += [f"  keep_firing_for: {alert.keep}"]
    lines += ["  labels:", f"    severity: {alert.severity}", f"    component: {alert.component}",
              f"    family: {alert.family}", "  annotations:", f"    summary: {quoted(alert.summary)}",
              f"    description: {quoted(alert.description)}", f"    next: {quoted(alert.next)}",
              f"    runbook_url: {quoted(runbook)}"]
    return "\n".join(lines)


def render(alerts, runbook_url):
    groups = {}
    for alert in alerts:
        groups.setdefault(alert.family, []).append(alert)
    text = HEAD
    for family, members in groups.items():
        text += f"  - name: pgbeacon.{family}\n    rules:\n"
        text += "\n\n".join(textwrap.indent(rule(alert, runbook_url), " " * 6) for alert in members) + "\n\n"
    return text.rstrip("\n") + "\n"
