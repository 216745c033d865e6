#!/usr/bin/env bash
# The main job: backs up real folders of this machine to a running platform, changes some, backs up again, restores, and
# compares. Works in DIR/main-job with a subscription, vault and machine of its own, new each time.
# usage: infra/main-job.sh DIR   (the data directory of a running platform)
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[ $# -eq 1 ] || fail "usage: infra/main-job.sh DIR"
data=$(data_directory "$1")
endpoints=$data/endpoints.json
[ -f "$endpoints" ] || fail "No platform runs on $data: there is no $endpoints."
need_dotnet
portal=$(jq -r .portal "$endpoints")
agent=$(jq -r .agent "$endpoints")
job=$data/main-job
source=$job/source
home=$job/home
target_megabytes=1000

step() { printf '\n== %s\n' "$*"; }
now() { date +%s.%N; }
size_of() { du -s --apparent-size -B1 -- "$1" | cut -f1; }
# account BYTES SECONDS: "1.02 GB in 12.3 s, 83 MB/s"
account() {
  awk -v b="$1" -v s="$2" 'BEGIN {
    size = (b >= 1e9) ? sprintf("%.2f GB", b / 1e9) : (b >= 1e6) ? sprintf("%.1f MB", b / 1e6) : sprintf("%.1f KB", b / 1e3)
    printf "%s in %.1f s, %.0f MB/s", size, s, (s > 0 ? b / s / 1e6 : 0) }'
}
since() { awk -v a="$1" -v b="$(now)" 'BEGIN { print b - a }'; }

# api METHOD PATH [JSON]: a call of the operator API; prints the answer, fails with the platform's own words.
api() {
  local answer status
  answer=$(mktemp -p "$job")
  status=$(curl --silent --show-error --max-time 60 --output "$answer" --write-out '%{http_code}' --request "$1" "$portal$2" \
    --header @<(printf 'Authorization: Bearer %s\n' "$(jq -r .operatorToken "$endpoints")") \
    ${3:+--header 'Content-Type: application/json' --data "$3"}) || fail "$1 $2 did not reach the platform."
  case $status in
    2*) cat "$answer"; rm -f "$answer" ;;
    *) fail "$1 $2 was answered with $status: $(cat "$answer")" ;;
  esac
}

# run_agent COMMAND…: runs the agent; prints the summary line of its JSON, fails with the agent's own words.
run_agent() {
  local output=$job/agent.jsonl status=0
  "$agent" "$@" --home "$home" --json >"$output" 2>"$output.errors" || status=$?
  if [ "$status" -ne 0 ]; then
    tail -n 5 "$output" "$output.errors" >&2
    fail "backup-agent $1 ended with exit code $status."
  fi
  grep -F '"summary"' "$output" | tail -n 1
}

# Copies folders of /usr/share and /usr/lib, in the order of their names, until there are about 1000 MB. Links stay links.
choose_source() {
  local folder megabytes parent sum=0
  while read -r megabytes folder; do
    if [ $((sum + megabytes)) -gt $((target_megabytes + target_megabytes / 10)) ]; then continue; fi
    printf '%s\0' "$folder"
    sum=$((sum + megabytes))
    if [ "$sum" -ge "$target_megabytes" ]; then break; fi
  done < <(find /usr/share /usr/lib -mindepth 1 -maxdepth 1 -type d -print0 | sort -z | xargs -0 du -s --apparent-size -BM -- 2>/dev/null | sed 's/M\t/ /') >"$job/folders"
  for parent in /usr/lib /usr/share; do
    mkdir -p -- "$source$parent"
    { grep -z "^$parent/" "$job/folders" || true; } | xargs -0 -r cp -a --target-directory "$source$parent" --
  done
}

# Every 200th file, from a start: a listing that any later step can rely on.
every_200th_from() { find "$source" -type f ! -path '*/added-by-the-main-job/*' -print0 | sort -z | awk -v RS='\0' -v ORS='\0' -v at="$1" 'NR % 200 == at'; }

change_source() {
  local file folder
  for kind in 1 51 101 151 181; do every_200th_from "$kind" >"$job/changed-$kind"; done
  while IFS= read -r -d '' file; do printf 'a line that the main job added\n' >>"$file"; done <"$job/changed-1"
  xargs -0 -a "$job/changed-51" rm -f --
  while IFS= read -r -d '' file; do mv -- "$file" "$file.renamed"; done <"$job/changed-101"
  xargs -0 -a "$job/changed-151" touch --
  # Written over in the middle, in place.
  while IFS= read -r -d '' file; do
    printf 'MAIN JOB' | dd of="$file" bs=1 seek=$(($(stat -c %s -- "$file") / 2)) conv=notrunc status=none
  done <"$job/changed-181"
  folder=$source/added-by-the-main-job
  mkdir -p -- "$folder/an empty folder"
  for i in $(seq 1 100); do seq "$i" 2000 >"$folder/file $i.txt"; done
  ln -s "../added-by-the-main-job/file 1.txt" "$folder/a link"
  say "edited $(tr -cd '\0' <"$job/changed-1" | wc -c), overwrote in the middle $(tr -cd '\0' <"$job/changed-181" | wc -c), deleted $(tr -cd '\0' <"$job/changed-51" | wc -c)," \
    "renamed $(tr -cd '\0' <"$job/changed-101" | wc -c), touched $(tr -cd '\0' <"$job/changed-151" | wc -c), added 100 files, a folder and a link"
}

# Type, mode, owner, modification time to the nanosecond, size of files, target of links, name: one line each.
listing() { (cd "$1" && find . \( -type f -printf '%y %m %U:%G %T@ %s %p\0' -o -printf '%y %m %U:%G %T@ %p -> %l\0' \) | sort -z | tr '\n\0' '\1\n'); }

# report_backup SUMMARY: what a backup did, from its own summary.
report_backup() {
  jq -r '"\(.filesTotal) files (\(.filesNew) new, \(.filesChanged) changed, \(.filesUnmodified) unmodified), \(.bytesUploaded / 1e6 * 10 | round / 10) MB uploaded"' <<<"$1"
  say "$(account "$(jq .bytesTotal <<<"$1")" "$(jq .seconds <<<"$1")")"
}

backup() {
  summary=$(run_agent backup "$source")
  report_backup "$summary"
  [ "$(jq '.errors | length' <<<"$summary")" -eq 0 ] || fail "Files could not be read: $(jq -c .errors <<<"$summary")"
}

rm -rf -- "$job"
mkdir -p -m 700 -- "$job"

step "Real folders: about $target_megabytes MB of /usr/share and /usr/lib"
begun=$(now)
choose_source
say "$(tr -cd '\0' <"$job/folders" | wc -c) folders, $(find "$source" | wc -l) entries: $(account "$(size_of "$source")" "$(since "$begun")")"

step "A subscription, a vault, its credentials"
subscription=$(api POST /api/subscriptions '{"name":"main job"}' | jq -r .id)
vault=$(api POST "/api/subscriptions/$subscription/vaults" '{"name":"main-job","redundancy":"LRS"}' | jq -r .id)
(umask 077 && api POST "/api/vaults/$vault/credentials" >"$job/main-job.VaultCredentials")
say "subscription $subscription, vault $vault, credentials of $(wc -c <"$job/main-job.VaultCredentials") bytes"

step "Registering this machine, with a generated passphrase"
run_agent register --credentials "$job/main-job.VaultCredentials" --name main-job --generate-passphrase --passphrase-out "$job/passphrase" >"$job/registered.json"
say "registered; the passphrase has $(tr -d '\n' <"$job/passphrase" | wc -m) characters and is in $job/passphrase"

step "First backup"
backup

step "Changing some of it"
change_source

step "Second backup"
backup

step "Third backup, of what has not changed"
backup
jq -e '.filesNew == 0 and .filesChanged == 0' >/dev/null <<<"$summary" || fail "The third backup found changes where there are none."

step "Restoring the newest recovery point into an empty folder"
begun=$(now)
summary=$(run_agent restore latest --target "$job/restored")
say "$(jq -r .filesRestored <<<"$summary") files, $(account "$(jq .bytesRestored <<<"$summary")" "$(since "$begun")")"
[ "$(jq '.errors | length' <<<"$summary")" -eq 0 ] || fail "Files could not be restored: $(jq -c .errors <<<"$summary")"

step "Comparing"
listing "$source" >"$job/source.listing"
listing "$job/restored$source" >"$job/restored.listing"
if ! diff "$job/source.listing" "$job/restored.listing" >"$job/differences"; then
  head -n 20 "$job/differences"
  fail "The restored tree differs from the source ($(grep -c '^[<>]' "$job/differences") lines in $job/differences)."
fi
if ! diff -r --no-dereference "$source" "$job/restored$source" >"$job/differences" 2>&1; then
  head -n 20 "$job/differences"
  fail "Restored files differ from the source (all in $job/differences)."
fi
say "$(wc -l <"$job/source.listing") entries are the same: content, type, mode, owner, modification time, link target."
