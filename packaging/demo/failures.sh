#!/bin/bash
# What goes wrong in every application, every few seconds, so that the log has something to tell.
#
#   failures.sh PSQL    with PGHOST, PGPORT and PGPASSFILE set
here=$(dirname "$0")
psql=(setpriv --pdeathsig TERM -- "$1" -X -q -U shop)

while :; do
  "${psql[@]}" -d shop -f "$here/failures.sql"
  PGPASSWORD=wrong "${psql[@]}" -d shop -c ''
  "${psql[@]}" -d no_such_database -c ''
  setpriv --pdeathsig TERM -- sleep 3
done
