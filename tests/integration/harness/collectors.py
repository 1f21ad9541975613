"""Collectors of a user, by which the tests have statements wait."""

LOCKED_ROWS = """
name: locked_rows
topic: test
help: Rows of a table that somebody locks.
default: true
queries:
  - sql: select count(*) as rows from public.locked
columns:
  - {col: rows, metric: e2e_locked_rows, type: gauge, help: Rows of the table.}
"""
NAPPING = "select count(*) from pg_stat_activity where wait_event = 'PgSleep' and state = 'active'"


def nap(seconds):
    """A collector whose statement takes its time."""
    return f"""
name: nap
topic: test
help: A statement that takes its time.
default: true
queries:
  - sql: select 1 as answer, pg_sleep({seconds})::text as nap
columns:
  - {{col: answer, metric: e2e_nap, type: gauge, help: Always one.}}
  - {{col: nap, label: nap}}
"""
