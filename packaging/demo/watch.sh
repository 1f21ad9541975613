# Sourced by run.sh: questions to the running pgbeacon and Prometheus. Each succeeds or sets $reason.

reason=

fetch() { curl -fsS --max-time 15 "$@" 2>/dev/null; }

answers() { fetch -o /dev/null "$1"; }

# full_scrape URL: the server is up and every collector that ran succeeded.
full_scrape() {
  local page
  page=$(fetch "$1/metrics") || {
    reason="$1/metrics does not answer"
    return 1
  }
  reason=$(awk '
    /^pg_up[{ ]/ { up = $NF }
    /^pg_up_reason\{/ && $NF == 1 { why = $1 }
    /^pg_scrape_collector_success\{/ { $NF == 1 ? good++ : bad = bad " " $1 }
    END {
      if (up != 1) print "pg_up is " (up == "" ? "absent" : up) " " why
      else if (bad != "") print "failed:" bad
      else if (!good) print "no collector reports success"
    }' <<<"$page")
  [[ -z $reason ]]
}

# log_counted URL: at least one message of the log has been counted.
log_counted() {
  reason="pg_log_messages_total is 0 everywhere"
  fetch "$1/metrics" | awk '/^pg_log_messages_total\{/ { sum += $NF } END { exit !(sum > 0) }'
}

# rules_good PROMETHEUS_URL: every rule was evaluated, and none failed.
rules_good() {
  local answer
  reason="a rule was not evaluated yet"
  answer=$(fetch "$1/api/v1/rules") || return 1
  [[ $answer == *'"health":"ok"'* && $answer != *'"health":"unknown"'* ]] || return 1
  reason="a rule fails: $1/rules"
  [[ $answer != *'"health":"err"'* ]]
}

# scraped PROMETHEUS_URL: Prometheus has pg_up from pgbeacon.
scraped() {
  reason="pg_up is not in Prometheus"
  fetch --get --data-urlencode 'query=pg_up == 1' "$1/api/v1/query" | grep -q '"__name__":"pg_up"'
}
