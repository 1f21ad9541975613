# Sourced by run.sh and test.sh: installs Debian packages that are missing and finds or unpacks the
# server programs. Nothing here starts a service or creates a database cluster: PostgreSQL and
# Prometheus are unpacked under build/tools/ unless the machine has their packages already.
#
# Needs $root, the project's folder. Sets PGB_TOOLS, and by use_postgres PGB_PG_BIN, by
# use_prometheus PROMETHEUS, PROMTOOL and PROMETHEUS_ASSETS; all are exported for tests.

export PGB_TOOLS=$root/build/tools

note() { printf '==> %s\n' "$*" >&2; }
die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

as_root() {
  if [[ $(id -u) == 0 ]]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "packages must be installed: run this as root, install sudo, or install them yourself: $*"
  fi
}

installed() { [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

# missing_packages GROUP...: one name per line, each once.
missing_packages() {
  local group package program
  while read -r group package program; do
    [[ " $* " == *" $group "* ]] || continue
    if [[ -n $program ]] && command -v "$program" >/dev/null; then continue; fi
    installed "$package" || printf '%s\n' "$package"
  done < <(grep -v '^#' "$root/packaging/packages.txt") | sort -u
}

# explain_removals PACKAGE...: says beforehand what apt must take away.
explain_removals() {
  local removed
  removed=$(apt-get install --simulate --no-install-recommends "$@" 2>/dev/null | awk '/^Remv/ {print $2}') || true
  [[ -n $removed ]] || return 0
  note "apt removes: $(tr '\n' ' ' <<<"$removed")"
  if grep -q boost <<<"$removed"; then
    note "pgbeacon needs Boost 1.81; Debian's Boost 1.74 development packages conflict with it and go (back: apt-get purge libboost1.81-dev, then install libboost-dev)"
  fi
}

install_packages() {
  command -v apt-get >/dev/null || die "this script installs Debian 12 packages and found no apt-get"
  local packages
  mapfile -t packages < <(missing_packages "$@")
  ((${#packages[@]})) || return 0
  note "installing Debian packages: ${packages[*]}"
  apt_update
  explain_removals "${packages[@]}"
  mkdir -p build
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 \
    install -y -qq --no-install-recommends "${packages[@]}" >build/apt.log 2>&1 || {
    tail -n 20 build/apt.log >&2
    die "apt-get could not install: ${packages[*]}"
  }
}

# Package lists are refreshed once per run; an unrelated repository that fails is no reason to stop.
apt_update() {
  [[ -z ${apt_updated:-} ]] || return 0
  apt_updated=1
  as_root apt-get -o Acquire::Retries=3 update -qq >&2 || note "apt-get update failed in part; going on with the lists there are"
}

# unpack NAME PACKAGE...: the packages' files under build/tools/NAME, without installing them.
unpack() {
  local name=$1 target=$PGB_TOOLS/$1
  shift
  [[ -e $target ]] && return 0
  note "unpacking under build/tools/$name: $*"
  apt_update
  rm -rf "$target.new"
  mkdir -p "$target.new/debs"
  (cd "$target.new/debs" && apt-get -o APT::Sandbox::User="$(id -un)" -o Acquire::Retries=3 download -qq "$@" >&2) ||
    die "apt-get could not download: $*"
  local deb link
  for deb in "$target.new"/debs/*.deb; do dpkg-deb -x "$deb" "$target.new"; done
  rm -rf "$target.new/debs"
  # Absolute links between the packages keep leading to each other.
  find "$target.new" -type l -lname '/*' | while read -r link; do
    local to=$target.new$(readlink "$link")
    [[ -e $to ]] && ln -sfnr "$to" "$link"
  done
  mv "$target.new" "$target"
}

use_postgres() {
  if installed postgresql-15 && installed postgresql-client-15; then
    export PGB_PG_BIN=/usr/lib/postgresql/15/bin
    return
  fi
  install_packages server
  unpack postgres-15 postgresql-15 postgresql-client-15
  # Without libllvm the JIT library cannot load; without the library PostgreSQL goes on without JIT.
  rm -f "$PGB_TOOLS"/postgres-15/usr/lib/postgresql/15/lib/llvmjit*
  export PGB_PG_BIN=$PGB_TOOLS/postgres-15/usr/lib/postgresql/15/bin
}

use_prometheus() {
  local prefix=
  if ! installed prometheus; then
    unpack prometheus prometheus libjs-bootstrap4 libjs-eonasdan-bootstrap-datetimepicker libjs-jquery \
      libjs-jquery-hotkeys libjs-moment libjs-moment-timezone libjs-mustache libjs-popper.js libjs-rickshaw \
      libjs-d3 fonts-glyphicons-halflings
    prefix=$PGB_TOOLS/prometheus
  fi
  export PROMETHEUS=$prefix/usr/bin/prometheus PROMTOOL=$prefix/usr/bin/promtool
  export PROMETHEUS_ASSETS=$prefix/usr/share/prometheus/web/
}

# Alertmanager with amtool; sets ALERTMANAGER and AMTOOL.
use_alertmanager() {
  local prefix=
  if ! installed prometheus-alertmanager; then
    unpack alertmanager prometheus-alertmanager
    prefix=$PGB_TOOLS/alertmanager
  fi
  export ALERTMANAGER=$prefix/usr/bin/prometheus-alertmanager AMTOOL=$prefix/usr/bin/amtool
}

# Prometheus 3 of Debian's testing, beside Debian 12's 2.42, where the mirror has it: rules mean the same on both.
# Nothing is installed and apt's own lists stay as they are.
use_prometheus_3() {
  local target=$PGB_TOOLS/prometheus-3 new=$PGB_TOOLS/prometheus-3.new
  [[ -x $target/usr/bin/promtool ]] && return
  note "unpacking under build/tools/prometheus-3: prometheus promtool of Debian forky"
  rm -rf "$new"
  mkdir -p "$new"/{lists/partial,cache/archives/partial,debs}
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian forky main" >"$new/sources.list"
  local apt=(apt-get -qq -o APT::Sandbox::User="$(id -un)" -o Dir::Etc::SourceList="$new/sources.list" -o Dir::Etc::SourceParts=-
    -o Dir::State::Lists="$new/lists" -o Dir::Cache="$new/cache" -o Acquire::Languages=none -o Acquire::Retries=3)
  if "${apt[@]}" update >&2 && (cd "$new/debs" && "${apt[@]}" download prometheus promtool >&2); then
    local deb
    for deb in "$new"/debs/*.deb; do dpkg-deb -x "$deb" "$new"; done
    rm -rf "$new"/{lists,cache,debs,sources.list}
    mv "$new" "$target"
  else
    rm -rf "$new"
    note "Debian forky is not at hand: rules are tested on Prometheus 2 alone"
  fi
}

# rsyslog as a sender for tests and as a peer for bench/syslog/run, with its TLS driver.
use_rsyslog() {
  unpack rsyslog rsyslog rsyslog-openssl libestr0 libfastjson4 liblognorm5
}

# What collectors/native is tested against: a pooler, a backup tool, a failover manager with its store.
use_pgbouncer() {
  unpack pgbouncer pgbouncer libevent-2.1-7 libc-ares2
}

use_pgbackrest() {
  unpack pgbackrest pgbackrest libbz2-1.0
}

# Python modules of Patroni are found by PYTHONPATH=build/tools/patroni/usr/lib/python3/dist-packages.
use_patroni() {
  unpack patroni patroni etcd-server python3-cdiff python3-click python3-dateutil python3-dnspython \
    python3-etcd python3-pkg-resources python3-prettytable python3-psutil python3-psycopg2 python3-six \
    python3-urllib3 python3-wcwidth python3-yaml
}

use_native_peers() {
  use_pgbouncer
  use_pgbackrest
  use_patroni
}

# Prometheus' grammar of PromQL for the tests of dashboards/, from npm by its lock file.
use_promql() {
  local target=$PGB_TOOLS/promql
  [[ -e $target ]] && return 0
  install_packages promql
  note "unpacking under build/tools/promql: @prometheus-io/lezer-promql"
  rm -rf "$target.new"
  mkdir -p "$target.new"
  cp "$root"/tests/support/promql/package*.json "$target.new"
  (cd "$target.new" && npm ci --no-audit --no-fund --loglevel=error >&2) || die "npm could not install the grammar of PromQL"
  mv "$target.new" "$target"
}

# step COMMAND...: runs it in a process group of its own and waits so that a signal to the script is
# answered at once; stop_step, called by the script's EXIT trap, ends the group.
step() {
  setsid -- "$@" </dev/null &
  step_pid=$!
  local status=0
  wait "$step_pid" || status=$?
  step_pid=
  return "$status"
}

stop_step() {
  [[ -z ${step_pid:-} ]] || kill -TERM -- "-$step_pid" 2>/dev/null || true
}

# Another clone of the same sources finds what this one compiled.
export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1

# build PRESET [TARGET...]
build() {
  local preset=$1
  shift
  note "building preset $preset"
  { step cmake --preset "$preset" >/dev/null && step cmake --build --preset "$preset" ${1:+--target "$@"}; } >&2 ||
    die "preset $preset does not build"
}
