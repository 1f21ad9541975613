SELECT total FROM invoices WHERE customer = 17;
SELECT customer, amount, colour FROM orders WHERE id = 4;
INSERT INTO stock (id, name) VALUES (1, 'lamp oil');
SELECT customer amount FROM FROM orders;
SELECT amount / 0 FROM orders LIMIT 1;
INSERT INTO stock (id, name) VALUES (2, NULL);
INSERT INTO stock (id, name, shelf) VALUES (3, 'rope', 99);
SELECT 'abc'::integer;
SELECT no_such_function(17, 'x');
UPDATE stock
   SET name = 'bombs',
       colour = 'black'
 WHERE id = 1;
DELETE FROM stock WHERE id = ;
DO $$ BEGIN RAISE EXCEPTION 'credit of customer % is used up', 4711 USING HINT = 'Ask for payment.', ERRCODE = 'P0001'; END $$;
