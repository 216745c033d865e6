#!/usr/bin/env bash
# Stops the platform that runs on a data directory, and nothing else. Returns when nothing of it is left.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() { printf 'usage: infra/stop.sh [--data DIR]\n'; }
data=
while [ $# -gt 0 ]; do
  case $1 in
    --data) [ -n "${2:-}" ] || { usage >&2; exit 2; }; data=$2; shift ;;
    --help | -h) usage; exit 0 ;;
    *) printf 'unknown option: %s\n' "$1" >&2; usage >&2; exit 2 ;;
  esac
  shift
done
data=$(data_directory "$data")

if ! read -r host start run 2>/dev/null <"$data/platform.pid"; then
  say "Nothing runs on $data."
  exit 0
fi

# The process and its start time: an id that another process has got meanwhile is not ours.
is_running() {
  local state
  state=$(sed 's/.*) //' "/proc/$host/stat" 2>/dev/null) || return 1
  set -- $state
  [ "$1" != Z ] && [ "$1" != X ] && [ "${20}" = "$start" ]
}

if is_running; then
  kill -TERM "$host" 2>/dev/null || true
  waited=0
  while is_running; do
    [ "$waited" -lt 900 ] || fail "The platform on $data (process $host) has not stopped in 90 seconds; see $data/logs/platform.log."
    waited=$((waited + 1))
    sleep 0.1
  done
fi

# A host that was killed leaves this to its guard, which needs a moment.
waited=0
while left=$(marked "$run") && [ -n "$left" ]; do
  if [ "$waited" -ge 100 ]; then kill -KILL $left 2>/dev/null || true; fi
  [ "$waited" -lt 200 ] || fail "Processes of the platform on $data do not end: $left"
  waited=$((waited + 1))
  sleep 0.1
done
if read -r now _ 2>/dev/null <"$data/platform.pid" && [ "$now" = "$host" ]; then rm -f "$data/endpoints.json" "$data/platform.pid"; fi
say "Stopped the platform on $data."
