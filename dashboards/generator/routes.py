"""The inhibit_rules of alertmanager.yml: what an alert mutes, between the marks; the rest is written by hand."""

BEGIN = "  # made by dashboards/generate from `mutes` in alerts/*.yml:\n"
END = "  # until here\n"


def rule(alert, equal, muted):
    names = f'="{muted[0]}"' if len(muted) == 1 else f'=~"{"|".join(muted)}"'
    return (f'  - source_matchers: [alertname="{alert.name}"]\n'
            f"    target_matchers: ['alertname{names}']\n"
            f"    equal: [{', '.join(equal)}]\n")


def inhibitions(alerts, text):
    """`text` with the rules between the marks replaced."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("alertmanager.yml has lost the marks between which inhibit_rules are made")
    rules = [rule(alert, equal, muted) for alert in alerts for equal, muted in alert.mutes.items()]
    return before + BEGIN + "".join(rules) + END + after
