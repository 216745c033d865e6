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

for project in "$checkout"/tests/*/*.csproj; do
  folder=$(dirname "$project")
  name=$(basename "$project" .csproj)
  output=$folder/bin/$configuration/net10.0
  if [ ! -x "$output/BackupPlatform.$name" ] || [ ! -f "$output/xunit.v3.core.dll" ]; then
    case $name in
      *.Tests | *.Conformance) failed=$((failed + 1)); say "$name was not built: is it in BackupPlatform.sln?" ;;
    esac
    continue # a library of the tests
  fi
  log=$logs/$name.log
  begun=$SECONDS
  status=0
  # TERM first, so that a test run that hangs can stop what it started.
  (cd "$folder" && timeout --kill-after=60 "${BACKUP_PLATFORM_TEST_TIMEOUT:-1800}" "$output/BackupPlatform.$name" -noColor -noLogo -xml "$logs/$name.xml") >"$log" 2>&1 </dev/null || status=$?
  total=$(count Total "$log")
  summary=$(grep -c '^ .* Total: [0-9]' "$log" || true)
  bad=$(($(count Failed "$log") + $(count Errors "$log")))
  left_out=$(($(count Skipped "$log") + $(count 'Not Run' "$log")))
  good=$((total - bad - left_out))
  # A run without a summary, or with a failure that it has not counted, counts as one.
  note=
  if [ "$summary" -eq 0 ] || { [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; }; then
    bad=$((bad + 1))
    note=" (ended with exit code $status)"
  fi
  passed=$((passed + good))
  failed=$((failed + bad))
  skipped=$((skipped + left_out))
  printf '%-28s %5s passed, %s failed, %s skipped  in %s s%s\n' "$name" "$good" "$bad" "$left_out" "$((SECONDS - begun))" "$note"
  if [ "$bad" -ne 0 ]; then
    grep -vE '^    .* \[SKIP\]' "$log" | tail -n 200
    say "(all of it: ${log#"$checkout"/})"
  fi
done
finish
