"""Columns of views and functions as a server has them."""

EXTENSIONS = ("pg_stat_statements", "pg_buffercache")

SQL = """
select c.relname, a.attname
  from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
 where c.relname = any(%(names)s)
union
select p.proname, p.proargnames[i]
  from pg_proc p cross join lateral generate_subscripts(p.proargmodes, 1) as i
 where p.proname = any(%(names)s) and p.proargmodes[i] in ('o', 'b', 't')
"""


def columns_of(server, names):
    """{relation: its columns} of those that the server has."""
    found = {}
    for relation, column in server.query(SQL, {"names": list(names)}):
        found.setdefault(relation, set()).add(column)
    return found
