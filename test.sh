#!/bin/bash
# Installs what the tests need (Debian 12), builds and tests pgbeacon, see usage below.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$root"
source packaging/setup.sh

usage() {
  cat <<'USAGE'
Usage: ./test.sh [PART]

  (none)       everything that runs in the asan build: unit, checks, integration, matrix
  deps         only install what the tests need
  unit         unit tests and the checks of the sources
  integration  PostgreSQL 15, Prometheus and pgbeacon together
  matrix       PostgreSQL 13, 14, 16, 17 and 18
  sanitize     the concurrent unit tests under the thread sanitizer
  fuzz         every fuzz target for 5 seconds
  sheet        the Grafana boards drawn from servers at work, as pictures in build/sheet/
  tidy [REF]   clang-tidy on the files changed since REF (default: the branch point, else all)
USAGE
}

trap stop_step EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

all_deps() {
  install_packages build server test matrix clang
  use_postgres
  use_prometheus
  use_prometheus_3
  use_alertmanager
  use_rsyslog
  use_native_peers
  use_promql
  step tests/support/postgres_majors.sh
}

fuzz() {
  install_packages build clang
  build tidy fuzzers
  step ctest --test-dir build/tidy -L fuzz --output-on-failure
}

tidy() {
  install_packages build clang
  step cmake --preset tidy >/dev/null || die "preset tidy does not configure"
  local base=${1:-$(git merge-base HEAD '@{upstream}' 2>/dev/null || true)}
  local files
  mapfile -t files < <(
    if [[ -n $base ]]; then
      git diff --name-only --diff-filter=d "$base" -- '*.cc'
      git ls-files --others --exclude-standard -- '*.cc'
    else
      git ls-files --cached --others --exclude-standard -- '*.cc'
    fi | grep -v '^tests/' | sort -u
  )
  ((${#files[@]})) || {
    note "no C++ file has changed since $base"
    return
  }
  printf '%s\0' "${files[@]}" | xargs -0 -n1 -P2 clang-tidy-14 --quiet -p build/tidy
}

case ${1:-all} in
  all)
    all_deps
    build asan
    step ctest --preset asan
    ;;
  deps) all_deps ;;
  unit)
    install_packages build test
    build asan
    step ctest --preset asan -L '^(unit|check)$'
    ;;
  integration)
    install_packages build test
    use_postgres
    use_prometheus
    use_prometheus_3
    use_alertmanager
    use_rsyslog
    use_native_peers
    use_promql
    build asan
    step ctest --preset asan -L '^(pg|e2e)$'
    ;;
  matrix)
    install_packages build server test matrix
    use_postgres
    step tests/support/postgres_majors.sh
    build asan
    step ctest --preset asan -L '^matrix$'
    ;;
  sanitize)
    install_packages build test
    build tsan fanout_test http_test ingest_test pg_test scrape_test state_test web_test
    step ctest --preset tsan -L '^unit$' -R '^(fanout|http|ingest|pg|scrape|state|web)\.'
    ;;
  sheet)
    install_packages build test sheet
    use_postgres
    use_prometheus
    use_native_peers
    use_promql
    build asan pgbeacon
    PGB_SHEET=$root/build/sheet step /usr/bin/python3 tests/integration/test_boards.py
    ;;
  fuzz) fuzz ;;
  tidy) tidy "${2:-}" ;;
  -h | --help) usage ;;
  *) usage >&2 && die "unknown part: $1" ;;
esac
