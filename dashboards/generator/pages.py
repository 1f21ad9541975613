"""docs/alerts.md and the runbooks: what is between the marks is generated, the rest is written by hand."""

from generator.catalogue import number, size

BEGIN = "<!-- made by dashboards/generate: -->"
END = "<!-- until here -->"


def between(text, generated, otherwise):
    """`text` with the part between the marks replaced; `otherwise` with it where there is no text yet."""
    text = text or otherwise
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{generated}\n{END}{after}"


def duration(seconds):
    for name, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length and seconds % length == 0:
            return f"{seconds // length}{name}"
    return f"{seconds:g}s"


def threshold(alert):
    value = alert.value
    shown = {"seconds": lambda: duration(value), "bytes": lambda: size(value),
             "ratio": lambda: f"{value * 100:g} %" if value <= 1 else f"{value:g} times",
             "per_second": lambda: f"{value:g}/s"}.get(alert.unit, lambda: number(value))()
    return {"above": "> ", "below": "< ", "equal": "= "}[alert.bad] + shown


def table(alerts, text):
    lines = ["| alert | severity | threshold | for | from | why |", "|---|---|---|---|---|---|"]
    for alert in alerts:
        lines.append(f"| [{alert.name}](runbooks/{alert.name}.md) | {alert.severity} | {threshold(alert)} | "
                     f"{alert.duration if alert.duration != '0m' else 'at once'} | {alert.source} | {alert.why} |")
    return between(text, "\n".join(lines), f"# Alerts\n\n{BEGIN}{END}\n")


def runbook(alert, text):
    generated = "\n".join([
        f"# {alert.name}", "",
        f"**{alert.severity}**, family {alert.family}, from {'the log' if alert.source == 'log' else 'statistics'}: "
        f"`{alert.metric}` {threshold(alert)}"
        f"{' for ' + alert.duration if alert.duration != '0m' else ', at once'}"
        f"{', shown for ' + alert.keep + ' more' if alert.keep else ''}. Why: {alert.why}.", "",
        "```promql", alert.expr, "```"])
    return between(text, generated, f"{BEGIN}{END}\n")
