# Sourced by run.sh: processes that live exactly as long as the script does.
#
# The kernel signals a process when the script dies, however it dies (setpriv --pdeathsig), and
# stop_all ends them in reverse order. Their output goes to $logs/NAME.log, or to the script's own
# where $logs is empty.

logs=
names=()
pids=()
signals=()

# start NAME SIGNAL COMMAND...: SIGNAL ends it. Descriptor 9 is the script's own lock.
start() {
  local name=$1 signal=$2
  shift 2
  if [[ -n $logs ]]; then
    setpriv --pdeathsig "$signal" -- "$@" </dev/null >>"$logs/$name.log" 2>&1 9>&- &
  else
    setpriv --pdeathsig "$signal" -- "$@" </dev/null 9>&- &
  fi
  names+=("$name")
  pids+=($!)
  signals+=("$signal")
}

stop_all() {
  local i
  for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
    stop "${pids[i]}" "${signals[i]}"
  done
  pids=()
}

# stop PID SIGNAL: asks, waits ten seconds, then insists.
stop() {
  kill "-$2" "$1" 2>/dev/null || return 0
  local tries
  for ((tries = 0; tries < 100; tries++)); do
    kill -0 "$1" 2>/dev/null || return 0
    sleep 0.1
  done
  kill -KILL "$1" 2>/dev/null || true
}

# check_alive: dies when something that was started has ended, showing its last words.
check_alive() {
  local i
  for i in "${!pids[@]}"; do
    kill -0 "${pids[i]}" 2>/dev/null && continue
    [[ -z $logs ]] || tail -n 20 "$logs/${names[i]}.log" >&2
    die "${names[i]} has stopped"
  done
}

wait_for_any() {
  wait -n || true
  check_alive
}

# wait_until SECONDS MESSAGE COMMAND...: until it succeeds, while everything is alive.
wait_until() {
  local end=$((SECONDS + $1)) message=$2
  shift 2
  until "$@"; do
    check_alive
    ((SECONDS < end)) || die "$message${reason:+: $reason}"
    sleep 0.2
  done
}

# free_port PORT: it, or the next one that nobody listens on.
free_port() {
  local port=$1
  while (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
  echo "$port"
}
