"""A database with relations of every kind, for tests of collectors about them."""

NASTY = 'ta"b\nle\t<b>&\\' + "\u00e9" * 25  # 63 bytes of UTF-8 with all that needs escaping


def nasty(kind):
    """A name like NASTY for things of one kind, which begins with two letters of their own."""
    return kind + NASTY[2:]


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def literal(text):
    return "'" + text.replace("'", "''") + "'"


SQL = f"""
create table orders (id serial primary key, note text, price numeric);
insert into orders (note, price) select repeat('x', 100), n from generate_series(1, 5000) n;
create index orders_price on orders (price);
create index orders_price_again on orders (price);
delete from orders where id % 2 = 0;
create table {quoted(NASTY)} (a int);
create table parts (a int) partition by range (a);
create table parts_one partition of parts for values from (0) to (10);
create table parts_two partition of parts for values from (10) to (20);
insert into parts select n from generate_series(0, 19) n;
create table tuned (a int) with (autovacuum_enabled = false, autovacuum_vacuum_threshold = 5,
                                 autovacuum_vacuum_scale_factor = 0);
insert into tuned select generate_series(1, 100);
delete from tuned where a <= 10;
create sequence tickets maxvalue 100;
select nextval('tickets') from generate_series(1, 75);
create schema {quoted(nasty("sc"))}
  create table {quoted(nasty("tb"))} (a int)
  create sequence {quoted(nasty("sq"))} maxvalue 4;
create index {quoted(nasty("ix"))} on {quoted(nasty("sc"))}.{quoted(nasty("tb"))} (a);
select nextval({literal(quoted(nasty("sc")) + "." + quoted(nasty("sq")))});
create function {quoted(nasty("sc"))}.{quoted(nasty("fn"))}() returns int language plpgsql as 'begin return 1; end';
select {quoted(nasty("sc"))}.{quoted(nasty("fn"))}();
create function greet(int) returns int language plpgsql as 'begin return 1; end';
select greet(1);
grant select on all tables in schema public to beacon;
grant select on all sequences in schema public, {quoted(nasty("sc"))} to beacon;
analyze;
"""

SETTINGS = {"autovacuum": "off", "track_functions": "all"}

COLLECTORS = ["index_bloat", "index_problems", "index_size", "large_objects", "partitioned_tables",
              "sequences", "stat_user_functions", "stat_user_indexes", "stat_user_tables",
              "statio_user_indexes", "statio_user_tables", "table_bloat", "table_estimates",
              "table_freeze", "table_size", "vacuum_debt"]

# What SQL above means, by metric and labels.
VALUES = [
    ("pg_stat_user_tables_n_tup_ins", {"relname": "orders"}, 5000),
    ("pg_stat_user_tables_n_tup_del", {"relname": "orders"}, 2500),
    ("pg_stat_user_tables_n_live_tup", {"relname": "orders"}, 2500),
    ("pg_stat_user_tables_n_tup_ins", {"relname": NASTY}, 0),
    ("pg_stat_user_indexes_idx_scan_total", {"indexrelname": "orders_price"}, 0),
    ("pg_index_duplicate", {"indexrelname": "orders_price_again", "duplicate_of": "orders_price"}, 1),
    ("pg_indexes_unused", {}, 3),
    ("pg_indexes_invalid", {}, 0),
    ("pg_partitioned_table_partitions", {"relname": "parts"}, 2),
    ("pg_partitioned_table_n_live_tup", {"relname": "parts"}, 20),
    ("pg_sequence_used_ratio", {"sequencename": "tickets"}, 0.75),
    ("pg_stat_user_functions_calls_total", {"funcname": "greet"}, 1),
    ("pg_stat_user_tables_seq_scan", {"schemaname": nasty("sc"), "relname": nasty("tb")}, 1),
    ("pg_stat_user_indexes_idx_scan_total", {"relname": nasty("tb"), "indexrelname": nasty("ix")}, 0),
    ("pg_index_unused", {"relname": nasty("tb"), "indexrelname": nasty("ix")}, 1),
    ("pg_index_size_bytes", {"schemaname": nasty("sc"), "indexrelname": nasty("ix")}, 8192),
    ("pg_sequence_used_ratio", {"schemaname": nasty("sc"), "sequencename": nasty("sq")}, 0.25),
    ("pg_stat_user_functions_calls_total", {"schemaname": nasty("sc"), "funcname": nasty("fn")}, 1),
    ("pg_vacuum_debt_ratio", {"relname": "tuned"}, 2),
    ("pg_table_autovacuum_disabled", {"relname": "tuned"}, 1),
    ("pg_table_sizes_skipped", {}, 0),
    ("pg_index_sizes_skipped", {}, 0),
    ("pg_table_bloat_unknown", {}, 0),
]
