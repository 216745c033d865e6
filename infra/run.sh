#!/usr/bin/env bash
# Starts the platform on this machine. See usage.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() {
  cat <<'TEXT'
usage: infra/run.sh [--once | --detach] [--data DIR]

Installs what is missing, builds, starts the whole platform, and then
  (no option)  backs up and restores real folders once, stays up, and stops everything with Ctrl-C
  --once       backs up and restores real folders once, stops, and exits 0 if the restored tree is the same
  --detach     leaves it running and exits when every service is healthy; infra/stop.sh stops it
  --data DIR   holds all state (default: .data in this checkout); a restart with the same DIR has everything still there
TEXT
}

mode=stay
data=
while [ $# -gt 0 ]; do
  case $1 in
    --once) [ "$mode" = stay ] || { usage >&2; exit 2; }; mode=once ;;
    --detach) [ "$mode" = stay ] || { usage >&2; exit 2; }; mode=detach ;;
    --data) [ -n "${2:-}" ] || { usage >&2; exit 2; }; data=$2; shift ;;
    --help | -h) usage; exit 0 ;;
    *) printf 'unknown option: %s\n' "$1" >&2; usage >&2; exit 2 ;;
  esac
  shift
done
data=$(data_directory "$data")

need_dotnet
"$checkout/infra/install.sh"
if [ "$mode" = detach ]; then need_space "$data" 1000 "The platform"; else need_space "$data" 5000 "The platform with 1 GB of backed up folders"; fi
build AppHost AppHost ServiceDefaults src || fail "The build failed."

program=$checkout/AppHost/bin/$configuration/net10.0/BackupPlatform.AppHost.dll
mkdir -p -- "$data"
output=$(mktemp)

# Waits until the platform that runs as process $host has written where it is reached; fails when that process ends.
wait_until_healthy() {
  local owner
  while kill -0 "$host" 2>/dev/null; do
    if [ -f "$data/endpoints.json" ] && read -r owner _ <"$data/platform.pid" && [ "$owner" = "$host" ]; then return 0; fi
    sleep 0.1
  done 2>/dev/null
  cat "$output" >&2
  rm -f "$output"
  return 1
}

if [ "$mode" = detach ]; then
  # A session of its own: it does not end with this terminal.
  setsid dotnet "$program" --data "$data" --quiet >"$output" 2>&1 </dev/null &
  host=$!
  wait_until_healthy || exit 1
  rm -f "$output"
  say "The platform is up: $(jq -r .portal "$data/endpoints.json"). Addresses and the operator's token are in $data/endpoints.json. Stop it with: infra/stop.sh --data $data"
  exit 0
fi

# In a session of its own too, so that Ctrl-C comes here first; and asked to stop should this script be killed.
setsid setpriv --pdeathsig TERM dotnet "$program" --data "$data" --quiet >"$output" 2>&1 </dev/null &
host=$!
job=
stop() {
  trap '' INT TERM
  if [ -n "$job" ]; then kill -TERM -- "-$job" 2>/dev/null || true; fi
  if kill -TERM "$host" 2>/dev/null; then say "Stopping …"; fi
  wait "$host" || true
  rm -f "$output"
}
trap 'stop; exit 130' INT
trap 'stop; exit 143' TERM HUP
trap stop EXIT

say "Starting the platform on $data …"
wait_until_healthy || { trap - EXIT; exit 1; }
portal=$(jq -r .portal "$data/endpoints.json")
say "The platform is up: $portal"

status=0
# Waited for, not called: a signal is then heard at once.
setsid setpriv --pdeathsig TERM "$checkout/infra/main-job.sh" "$data" </dev/null &
job=$!
wait "$job" || status=$?
job=
if [ "$mode" = once ]; then exit "$status"; fi

if [ "$status" -ne 0 ]; then say "The main job failed; the platform stays up, so that you can look: logs are in $data/logs."; fi
say "Portal: $portal   Operator's token: operatorToken in $data/endpoints.json   Ctrl-C stops everything."
wait "$host" || status=$?
exit "$status"
