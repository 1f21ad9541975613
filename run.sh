#!/bin/bash
# Builds pgbeacon and serves a PostgreSQL server with it, see usage below.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$root"
source packaging/setup.sh
source packaging/demo/processes.sh
source packaging/demo/cluster.sh
source packaging/demo/watch.sh

usage() {
  cat <<'USAGE'
Usage: ./run.sh [--once] [-- ARGUMENT...]

Installs what is needed (Debian 12), builds pgbeacon and serves on 127.0.0.1:9187

- the server that DATA_SOURCE_NAME or DATABASE_URL names, or
- without either, a throwaway PostgreSQL primary and standby under build/demo/ with their log, a light
  load and a Prometheus with all alerts on 127.0.0.1:9090.

The next free ports are taken where these are busy. Ctrl-C stops everything that was started.

  --once    end with status 0 after the first full scrape (and the first counted log line of the
            demo), with another status and the reason when that does not come
  -- ...    further arguments for pgbeacon serve
USAGE
}

arguments=("$@")
once=
while (($#)); do
  case $1 in
    --once) once=1 ;;
    --) shift && break ;;
    -h | --help) usage && exit ;;
    *) usage >&2 && die "unknown argument: $1" ;;
  esac
  shift
done

# A script started with & by another ignores SIGINT, and bash cannot trap what it was told to ignore.
if [[ $(trap -p INT) == "trap -- '' SIGINT" ]]; then
  exec env --default-signal=INT "$root/run.sh" "${arguments[@]}"
fi
trap 'exit 130' INT
trap 'exit 143' TERM HUP
trap 'stop_step; stop_all; remove_private_folder' EXIT

pgbeacon=$root/build/release/pgbeacon

build_pgbeacon() {
  install_packages build demo
  build release pgbeacon
}

# serve NAME ARGUMENT...: starts pgbeacon on a free port and waits until it answers; sets url.
serve() {
  local name=$1 port
  shift
  port=$(free_port 9187)
  url=http://127.0.0.1:$port
  start "$name" TERM "$pgbeacon" serve --web.listen-address "127.0.0.1:$port" "$@"
  wait_until 30 "pgbeacon does not answer on $url" answers "$url/-/healthy"
}

first_check() {
  printf '\n'
  "$pgbeacon" check || true # its status says how the server is, not whether the check ran
  printf '\n'
}

if [[ -n ${DATA_SOURCE_NAME:-}${DATABASE_URL:-} ]]; then
  build_pgbeacon
  serve pgbeacon "$@"
  first_check
  printf 'metrics     %s/metrics\n' "$url"
  if [[ -n $once ]]; then
    wait_until 60 "no full scrape" full_scrape "$url"
    exit
  fi
else
  mkdir -p build
  exec 9>build/demo.lock
  flock -n 9 || die "a demo of this clone runs already"
  build_pgbeacon
  use_postgres
  use_prometheus
  start_cluster
  serve pgbeacon --source.file "$demo_data/log/primary-*.log" "$@"
  primary_url=$url
  DATA_SOURCE_NAME=${DATA_SOURCE_NAME/:$primary_port/:$standby_port} \
    serve pgbeacon-standby --source.file "$demo_data/log/standby-*.log"
  standby_url=$url url=$primary_url
  start_load
  start_prometheus "${url#http://}, ${standby_url#http://}"
  first_check
  printf 'metrics     %s/metrics\nof standby  %s/metrics\n' "$url" "$standby_url"
  printf 'prometheus  %s/graph?g0.expr=pg_up\nalerts      %s/alerts\n' "$prometheus_url" "$prometheus_url"
  printf 'primary     PGPASSFILE=%q psql -h 127.0.0.1 -p %s -U shop shop\n' "$PGPASSFILE" "$primary_port"
  printf 'standby     the same with -p %s\nlogs        %s\n' "$standby_port" "${demo#"$root/"}"
  if [[ -n $once ]]; then
    wait_until 60 "no full scrape" full_scrape "$url"
    wait_until 60 "no full scrape of the standby" full_scrape "$standby_url"
    wait_until 60 "no log line was counted" log_counted "$url"
    wait_until 60 "Prometheus has not scraped pgbeacon" scraped "$prometheus_url"
    wait_until 60 "Prometheus does not evaluate the rules" rules_good "$prometheus_url"
    note "a full scrape, a counted log line, a scrape by Prometheus and its rules were seen"
    exit
  fi
fi
printf '\nCtrl-C stops it.\n'
wait_for_any
