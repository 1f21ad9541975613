-- Each statement fails, but the last: it sorts more than work_mem holds and writes a temporary file.
SELECT 1 / (aid - aid) FROM pgbench_accounts LIMIT 1;
SELECT * FROM no_such_table;
SELECT 'twelve'::integer;
INSERT INTO pgbench_branches (bid, bbalance) VALUES (1, 0);
UPDATE pgbench_tellers SET bid = NULL, tid = NULL WHERE tid = 1;
SET work_mem = '64kB';
SELECT count(*) FROM (SELECT * FROM pgbench_accounts ORDER BY filler, abalance) AS sorted;
