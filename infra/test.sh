#!/usr/bin/env bash
# Installs what is missing and runs the tests. Last line: N passed, N failed[, N skipped]. With --all the long tests too.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() { printf 'usage: infra/test.sh [--all]\n'; }
while [ $# -gt 0 ]; do
  case $1 in
    --all) export BACKUP_PLATFORM_LONG_TESTS=1 ;;
    --help | -h) usage; exit 0 ;;
    *) printf 'unknown option: %s\n' "$1" >&2; usage >&2; exit 2 ;;
  esac
  shift
done

passed=0
failed=0
skipped=0
finish() {
  say ""
  if [ "$skipped" -gt 0 ]; then say "$passed passed, $failed failed, $skipped skipped"; else say "$passed passed, $failed failed"; fi
  if [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]; then exit 0; else exit 1; fi
}

need_dotnet
need_space "$checkout" 4000 "Building and testing"
"$checkout/infra/install.sh" --tests
if ! build BackupPlatform.sln AppHost ServiceDefaults src tests BackupPlatform.sln; then
  say "The build failed."
  failed=1
  finish
fi

logs=$checkout/TestResults
rm -rf -- "$logs"
mkdir -p -- "$logs"

# count WHAT LOG: the number that the summary of a test run says, or 0.
count() { sed -nE "s/^ .* ?$1: ([0-9]+)(,.*)?\$/\1/p" "$2" | tail -n 1 | grep . || echo 0; }

# run NAME: runs one project of tests, leaves what it counted in NAME.count and what there is to say in NAME.said.
run() {
  local name=$1 folder=$checkout/tests/$1 log=$logs/$1.log begun=$SECONDS status=0 total summary bad left_out good note=
  # TERM first, so that a test run that hangs can stop what it started.
  (cd "$folder" && exec timeout --kill-after=60 "${BACKUP_PLATFORM_TEST_TIMEOUT:-1800}" \
    "$folder/bin/$configuration/net10.0/BackupPlatform.$name" -noColor -noLogo -result-xml "$logs/$name.xml") >"$log" 2>&1 </dev/null &
  trap "kill $! 2>/dev/null; wait $!; exit 130" TERM
  wait $! || status=$?
  total=$(count Total "$log")
  summary=$(grep -c '^ .* Total: [0-9]' "$log" || true)
  bad=$(($(count Failed "$log") + $(count Errors "$log")))
  left_out=$(($(count Skipped "$log") + $(count 'Not Run' "$log")))
  good=$((total - bad - left_out))
  # A run without a summary, or with a failure that it has not counted, counts as one.
  if [ "$summary" -eq 0 ] || { [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; }; then
    bad=$((bad + 1))
    note=" (ended with exit code $status)"
  fi
  {
    printf '%-28s %5s passed, %s failed, %s skipped  in %s s%s\n' "$name" "$good" "$bad" "$left_out" "$((SECONDS - begun))" "$note"
    if [ "$bad" -ne 0 ]; then
      grep -vE '^    .* \[SKIP\]' "$log" | tail -n 200
      say "(all of it: ${log#"$checkout"/})"
    fi
  } >"$logs/$name.said"
  printf '%s %s %s\n' "$good" "$bad" "$left_out" >"$logs/$name.count"
  cat -- "$logs/$name.said"
}

names=()
for project in "$checkout"/tests/*/*.csproj; do
  name=$(basename "$project" .csproj)
  output=$(dirname "$project")/bin/$configuration/net10.0
  if [ -x "$output/BackupPlatform.$name" ] && [ -f "$output/xunit.v3.core.dll" ]; then
    # What takes longest begins first.
    case $name in EndToEnd.Tests) names=("$name" "${names[@]}") ;; *) names+=("$name") ;; esac
  else
    case $name in # else a library of the tests
      *.Tests | *.Conformance) failed=$((failed + 1)); say "$name was not built: is it in BackupPlatform.sln?" ;;
    esac
  fi
done

trap 'kill $(jobs -p) 2>/dev/null; wait; exit 130' INT TERM

# Two at a time: much of their time is spent waiting.
for name in "${names[@]}"; do
  while [ "$(jobs -rp | wc -l)" -ge 2 ]; do wait -n || true; done
  run "$name" &
done
wait

for name in "${names[@]}"; do
  if read -r good bad left_out <"$logs/$name.count"; then
    passed=$((passed + good)) failed=$((failed + bad)) skipped=$((skipped + left_out))
  else
    failed=$((failed + 1))
    say "$name was not run to its end"
  fi
done
finish
