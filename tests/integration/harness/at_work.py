"""Sessions that work or wait while a test looks at them."""

import threading

import psycopg2


class AtWork:
    """Beside a test case that has `session` and, for `locked`, `primary`."""

    def in_background(self, session, sql):
        """A statement that is still under way when this returns."""
        def work():
            try:
                with session.cursor() as cursor:
                    cursor.execute(sql)
            except psycopg2.Error:
                pass  # cancelled at the end of the test

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        self.addCleanup(thread.join, 20)
        return thread

    def locked(self, table, then=None):
        """A session in a transaction that holds a table, and waits for another where told."""
        session = self.session(self.primary)
        session.autocommit = False
        with session.cursor() as cursor:
            cursor.execute(f"lock table {table}")
        if then:
            self.in_background(session, f"lock table {then}")
        return session
