"""Events that one statement of one session brings about: name, SQLSTATE, event, statements."""

# `plain` is a role without rights. Every row begins in a new session of the superuser; the last
# statement is the one that is judged.
SETUP = """
create role plain login; create role nologin; create role one login connection limit 0;
create role other login; create role hasty login; create role owner_of_nothing;
create database closed connection limit 0;
create database forbidden;
revoke connect on database forbidden from public;
create schema s; grant usage, create on schema public to plain; grant usage on schema s to plain;
create table parent (id int primary key); create table child (id int references parent not null);
insert into parent values (1), (2); insert into child values (1);
create table checked (a int check (a > 0), b int not null default 1);
create table ranges (r int4range, exclude using gist (r with &&));
create table parts (a int) partition by list (a); create table part1 partition of parts for values in (1);
create table secret (a int); alter table secret enable row level security;
create policy none on secret using (false) with check (false);
grant all on secret to plain; insert into secret values (1);
create table changing (a int); create table wide (a text, b int); create table mine (a int);
create table busy (a int primary key, b int); insert into busy select g, 0 from generate_series(1, 1000) g;
create view on_busy as select * from busy;
create function deep(n int) returns int language plpgsql as $$ begin return deep(n + 1); end $$;
"""

ROWS = (
    # constraints
    ("unique", "23505", "unique_violation", "insert into parent values (1)"),
    ("foreign key of an insert", "23503", "fk_violation_insert", "insert into child values (9)"),
    ("foreign key of a delete", "23503", "fk_violation_delete", "delete from parent where id = 1"),
    ("not null", "23502", "not_null_violation", "insert into checked (b) values (null)"),
    ("check", "23514", "check_violation", "insert into checked values (-1)"),
    ("exclusion", "23P01", "exclusion_violation", "insert into ranges values ('[1,3]'), ('[2,4]')"),
    ("no partition", "23514", "no_partition", "insert into parts values (2)"),
    ("row security", "42501", "rls_violation", "set role plain", "insert into secret values (1)"),
    ("row security off", "42501", "row_security_off", "set role plain", "set row_security = off", "table secret"),
    # names and syntax
    ("no table", "42P01", "undefined_table", "select * from nowhere"),
    ("no column", "42703", "undefined_column", "select nothing from parent"),
    ("ambiguous column", "42702", "ambiguous_column", "select id from parent, child"),
    ("no function", "42883", "undefined_function", "select nothing(1)"),
    ("no operator", "42883", "undefined_operator", "select 1 + '(1,2)'::point"),
    ("column of another type", "42804", "datatype_mismatch_cast",
     "alter table wide alter column a type int"),
    ("no cast", "42846", "cannot_coerce", "select 1::json"),
    ("no type", "42704", "undefined_object_type", "select 'x'::nothing"),
    ("no schema", "3F000", ("undefined_object_type", "schema_missing"), "create table nowhere.t (a int)"),
    ("no schema to create in", "3F000", "schema_missing", "set search_path = ''", "create table t (a int)"),
    ("no parameter", "42P02", "undefined_parameter", "select $1"),
    ("grouping", "42803", "grouping_error", "select id, count(*) from parent"),
    ("syntax", "42601", "syntax_error", "selec 1"),
    ("syntax at the end", "42601", "syntax_error", "select 1 from"),
    ("open string", "42601", "unterminated_string", "select 'x"),
    ("table twice", "42P07", "duplicate_object", "create table parent (a int)"),
    ("column twice", "42701", "duplicate_object", "alter table parent add column id int"),
    ("role twice", "42710", "duplicate_object", "create role plain"),
    ("prepared twice", "42P05", "prepared_statement_exists", "prepare p as select 1", "prepare p as select 1"),
    ("not prepared", "26000", "prepared_statement_missing", "execute nothing"),
    ("no cursor", "34000", "cursor_missing", "fetch from nothing"),
    ("plan of an old type", "0A000", "cached_plan_changed", "prepare p as select * from changing", "execute p",
     "alter table changing add column b int", "execute p"),
    ("no right to a table", "42501", "permission_denied", "set role plain", "table busy"),
    ("no right to a function", "42501", "permission_denied", "set role plain", "select pg_read_file('x')"),
    ("not the owner", "42501", "must_be_owner", "set role plain", "drop table busy"),
    ("not a superuser", "42501", "must_be_superuser", "set role plain",
     "create type base (input = x, output = y)"),
    ("dependent objects", "2BP01", "dependent_objects", "drop table busy"),
    ("subquery of several rows", "21000", "cardinality_subquery", "select (select id from parent)"),
    # data
    ("division by zero", "22012", "division_by_zero", "select 1/0"),
    ("integer out of range", "22003", "numeric_out_of_range", "select 2147483647 + 1"),
    ("bigint out of range", "22003", "numeric_out_of_range", "select 9223372036854775807 + 1"),
    ("numeric overflow", "22003", "numeric_overflow", "select 1234::numeric(3,1)"),
    ("too long", "22001", "string_too_long", "create temp table t (a varchar(3))", "insert into t values ('long')"),
    ("no integer", "22P02", "invalid_text_representation", "select 'x'::int"),
    ("no date", "22007", "invalid_datetime_format", "select 'x'::date"),
    ("date out of range", "22008", "datetime_out_of_range", "select '2026-13-45'::date"),
    ("bytes of no encoding", "22021", "invalid_encoding", b"select '\xff'"),
    ("character of another encoding", "22P05", "untranslatable_char", "select convert_to('\u2603', 'LATIN1')"),
    ("no json", "22P02", "invalid_json", "select '{x'::json"),
    ("no array", "22P02", "malformed_array", "select 'x'::int[]"),
    ("no regular expression", "2201B", "invalid_regex", "select 'x' ~ '('"),
    # transactions
    ("after an error", "25P02", "tx_aborted_command", "begin", "select 1/0", "select 1"),
    ("read only", "25006", "read_only_tx", "begin read only", "create table t (a int)"),
    ("in a transaction", "25001", "in_tx_block", "begin", "vacuum"),
    ("begin twice", None, "already_in_tx", "begin", "begin"),
    ("commit without begin", None, "no_tx", "commit"),
    ("no savepoint", "3B001", "savepoint_missing", "begin", "rollback to nothing"),
    # limits
    ("statement_timeout", "57014", "statement_timeout", "set statement_timeout = 20", "select pg_sleep(9)"),
    ("stack depth", "54001", "stack_depth", "set max_stack_depth = '100kB'", "select deep(1)"),
    ("temporary file", None, "temp_file", "set work_mem = '64kB'",
     "select count(*) from (select g from generate_series(1, 30000) g order by g::text) s"),
    ("temp_file_limit", "53400", "temp_file_limit", "set work_mem = '64kB'", "set temp_file_limit = '100kB'",
     "select count(*) from (select g from generate_series(1, 30000) g order by g::text) s"),
    ("locks", "53200", "out_of_shared_memory_locks",
     "select count(pg_advisory_lock(g)) from generate_series(1, 1000000) g"),
    # settings
    ("unknown parameter", "42704", "config_unrecognized", "set nothing = 1"),
    ("value of a parameter", "22023", "invalid_param_value", "set work_mem = 'x'"),
    ("parameter of the server", "55P02", "param_needs_restart", "set shared_buffers = '1MB'"),
    # what PL/pgSQL says
    ("RAISE LOG", None, "raise_message", "do $$ begin raise log 'said'; end $$"),
    ("RAISE WARNING", None, "raise_message", "do $$ begin raise warning 'said'; end $$"),
    ("RAISE NOTICE and INFO", None, "raise_message", "set log_min_messages = info",
     "do $$ begin raise notice 'said'; raise info 'said'; raise debug 'unsaid'; end $$"),
    ("RAISE EXCEPTION", "P0001", "raise_exception", "do $$ begin raise exception 'said'; end $$"),
    ("RAISE with a SQLSTATE", "U0001", None,
     "do $$ begin raise exception using errcode = 'U0001', message = 'said', detail = 'a' || chr(10) || 'b', "
     "hint = 'c'; end $$"),
    ("ASSERT", "P0004", None, "do $$ begin assert false; end $$"),
    # what the server was asked to log
    ("log_statement", None, "statement_logged", "set log_statement = 'all'", "select 1\n  , 2"),
    ("log_min_duration_statement", None, "query_duration", "set log_min_duration_statement = 0", "select 1"),
    ("log_duration", None, "query_duration_only", "set log_duration = on", "select 1"),
    ("log_executor_stats", None, None, "set log_executor_stats = on", "select 1"),
    ("plan as text", None, "query_plan", "set auto_explain.log_min_duration = 0", "select count(*) from busy"),
    ("plan as JSON", None, "query_plan", "set auto_explain.log_min_duration = 0",
     "set auto_explain.log_format = 'json'", "set auto_explain.log_analyze = on", "select count(*) from busy"),
    ("EXECUTE", None, None, "prepare p (int) as select $1", "set log_min_duration_statement = 0", "execute p (1)"),
    # other
    ("connection to no server", None, None, "create subscription nowhere connection 'host=127.0.0.1 port=1' "
     "publication p"),
    ("slot twice", "42710", None, "select pg_create_physical_replication_slot('kept')",
     "select pg_create_physical_replication_slot('kept')"),
    ("no slot", "42704", None, "select pg_drop_replication_slot('nothing')"),
    ("backup without end", None, "backup_aborted", "begin",
     "do $$ begin execute case when current_setting('server_version_num')::int >= 150000 then "
     "$x$ select pg_backup_start('b', true) $x$ else $x$ select pg_start_backup('b', true, false) $x$ end; end $$"),
    ("large object", "42704", None, "select lo_get(1)"),
    ("index on no column", "42703", None, "create index on busy (nothing)"),
    ("drop what is not there", "42P01", "undefined_table", "drop table nowhere"),
    ("view that cannot be changed", "55000", None, "create temp view v as select 1 as a",
     "insert into v values (1)"),
    ("generated column", "428C9", None, "create temp table g (a int generated always as identity)",
     "insert into g values (1)"),
    ("extension not there", "0A000", None, "create extension nothing"),
    ("limit below zero", "2201W", None, "select 1 limit -1"),
    ("logarithm of zero", "2201E", None, "select ln(0)"),
    ("xml or json path", "42601", None, "select jsonb_path_query('{}', '$.')"),
    ("escape", "22025", None, "select 'x' like '\\' escape '\\'"),
    ("array subscript", "2202E", None, "select array_fill(1, array[1], array[1,2])"),
    ("null not allowed", "22004", None, "select array_fill(1, null)"),
    ("time zone", "22023", None, "select now() at time zone 'nowhere'"),
    ("drop of one's own role", "55006", None, "drop role postgres"),
    ("database in use", "55006", None, "drop database postgres"),
    ("case without else", "20000", None, "do $$ begin case 1 when 2 then null; end case; end $$"),
    ("no row", "P0002", None, "do $$ declare a int; begin select id into strict a from parent where false; end $$"),
    ("several rows", "P0003", None, "do $$ declare a int; begin select id into strict a from parent; end $$"),
    ("trigger order", "42P17", None, "create index on busy (random())"),
    ("recursion", "42P19", None, "with recursive r as (select 1 from r) table r"),
    ("window", "42P20", None, "select sum(id) from parent where rank() over () = 1"),
    ("collation", "42P21", None, "select 'a' collate \"C\" < 'b' collate \"POSIX\""),
    ("wrong object", "42809", None, "drop view busy"),
    ("reserved name", "42939", None, "create role pg_mine"),
    ("name too many columns", "42601", None, "insert into parent values (1, 2)"),
    ("foreign key to no key", "42830", None, "create table f (a int references wide (b))"),
    ("alias twice", "42712", None, "select 1 from parent p, child p"),
    ("cursor twice", "42P03", None, "begin", "declare c cursor for select 1", "declare c cursor for select 1"),
    ("schema twice", "42P06", None, "create schema s"),
    ("database twice", "42P04", None, "create database forbidden"),
    ("function twice", "42723", None, "create function deep(n int) returns int language sql as 'select 1'"),
)
