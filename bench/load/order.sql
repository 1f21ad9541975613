\set customer random(1, 100000)
\set amount random(1, 5000)
BEGIN;
INSERT INTO orders (customer, amount, note) VALUES (:customer, :amount, 'paid by card, deliver to the back door');
UPDATE pgbench_accounts
   SET abalance = abalance - :amount
 WHERE aid = :customer;
SELECT id, amount, note, created FROM orders WHERE customer = :customer ORDER BY created DESC LIMIT 10;
END;
