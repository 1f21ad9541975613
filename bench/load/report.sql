\set low random(1, 90000)
\set high :low + 400
SELECT b.bid,
       count(*) AS accounts,
       sum(a.abalance) AS balance -- multi-line statements make multi-line records
  FROM pgbench_accounts a
  JOIN pgbench_branches b USING (bid)
 WHERE a.aid BETWEEN :low AND :high
   AND a.filler <> 'it''s a "quoted" text'
 GROUP BY b.bid
HAVING count(*) > 0
 ORDER BY balance DESC;
