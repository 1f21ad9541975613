# Sourced by run.sh: a throwaway PostgreSQL primary with a streaming standby, a load, a Prometheus.
# Everything lies under build/demo/ and is made anew each time. Only TCP on 127.0.0.1 with a random
# password: a socket's path could be too long in a deep clone.

demo=$root/build/demo

start_cluster() {
  reset_demo
  primary_port=$(free_port 25432)
  standby_port=$(free_port $((primary_port + 1)))
  export PGPASSFILE=$demo_data/pgpass PGHOST=127.0.0.1 PGPORT=$primary_port PGUSER=postgres PGDATABASE=postgres
  unset PGPASSWORD PGSERVICE PGOPTIONS PGHOSTADDR PGSSLMODE

  note "starting a PostgreSQL primary on port $primary_port and a standby on $standby_port"
  quietly initdb packaging/not_root "$bin/initdb" -D "$demo_data/primary" -U postgres --pwfile="$demo_data/password" \
    --auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 --no-sync
  configure primary "$primary_port"
  start_server primary
  psql_demo -c "CREATE ROLE shop LOGIN PASSWORD '$password'" -c "CREATE DATABASE shop OWNER shop"
  psql_demo -d shop -c "CREATE EXTENSION pg_stat_statements"
  quietly pgbench "$bin/pgbench" -i -q -s 2 -U shop shop
  "$pgbeacon" setup-sql | psql_demo -d shop -f - >/dev/null
  psql_demo -c "ALTER ROLE pgbeacon PASSWORD '$password'"

  quietly pg_basebackup packaging/not_root "$bin/pg_basebackup" -D "$demo_data/standby" -c fast -X stream -R -C -S standby \
    --no-sync
  configure standby "$standby_port"
  start_server standby
  wait_until 30 "the standby does not stream" standby_streams
  export DATA_SOURCE_NAME=postgresql://pgbeacon@127.0.0.1:$primary_port/shop
}

# A new empty build/demo; sets demo_data (the servers' files), bin and password.
reset_demo() {
  remove_private_folder
  rm -rf "$demo"
  mkdir -p -m 0700 "$demo"
  logs=$demo
  { read -r demo_data && read -r bin; } < <(packaging/not_root --prepare "$demo/data" "$PGB_PG_BIN")
  password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  # Written by the user that the servers run as: libpq wants its own.
  packaging/not_root bash -c 'umask 077; cd "$1"; mkdir log; printf "%s\n" "$2" >password; printf "*:*:*:*:%s\n" "$2" >pgpass' \
    - "$demo_data" "$password"
}

# The temporary folder that packaging/not_root makes where root has no user namespace.
remove_private_folder() {
  [[ ! -L $demo/data ]] || rm -rf "$(dirname "$(readlink "$demo/data")")" "$demo/data"
}

# configure NAME PORT
configure() {
  {
    cat packaging/demo/postgresql.conf
    printf "%s = '%s'\n" port "$2" cluster_name "demo-$1" log_filename "$1-%Y-%m-%d_%H%M%S.log" \
      log_directory "${demo_data//\'/\'\'}/log"
  } >>"$demo_data/$1/postgresql.conf"
}

# SIGINT is PostgreSQL's fast shutdown.
start_server() {
  start "$1" INT packaging/not_root setpriv --pdeathsig INT "$bin/postgres" -D "$demo_data/$1"
  local port_name=$1_port
  wait_until 60 "the $1 does not accept connections" "$bin/pg_isready" -q -p "${!port_name}"
}

standby_streams() {
  [[ $(psql_demo -Atc "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'") == 1 ]]
}

psql_demo() { "$bin/psql" -X -q -v ON_ERROR_STOP=1 "$@"; }

# quietly NAME COMMAND...: a step whose output is shown only when it fails.
quietly() {
  local name=$1
  shift
  step "$@" >"$demo/$name.log" 2>&1 || {
    cat "$demo/$name.log" >&2
    die "$name failed"
  }
}

start_load() {
  start pgbench TERM "$bin/pgbench" -n -c 4 -R 20 -T 31536000 -U shop shop
  start failures TERM bash packaging/demo/failures.sh "$bin/psql"
}

# start_prometheus TARGETS: scrapes them (comma-separated) with the sample configuration and the project's rules.
start_prometheus() {
  local port
  port=$(free_port 9090)
  prometheus_url=http://127.0.0.1:$port
  sed -e "s|localhost:9187|$1|" -e "s|- rules/|- $root/dashboards/rules/|" -e 's|_interval: .*|_interval: 5s|' \
    -e '/_timeout:/d' dashboards/prometheus.yml >"$demo/prometheus.yml"
  start prometheus TERM "$PROMETHEUS" --config.file="$demo/prometheus.yml" --storage.tsdb.path="$demo/prometheus" \
    --web.listen-address="127.0.0.1:$port" --web.local-assets="$PROMETHEUS_ASSETS" --log.level=warn
  wait_until 30 "Prometheus does not answer on $prometheus_url" answers "$prometheus_url/-/ready"
}
