-- More than work_mem holds: the server logs the temporary files.
SELECT count(*) FROM (SELECT aid FROM pgbench_accounts WHERE aid < 20000 ORDER BY filler, abalance, aid OFFSET 1) AS sorted;
