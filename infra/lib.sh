# What the scripts of this folder share. Sourced, not run.
set -euo pipefail
export LC_ALL=C.UTF-8 DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
configuration=Release

say() { printf '%s\n' "$*"; }
fail() { printf '%s\n' "$*" >&2; exit 1; }

# The data directory of a --data option, the environment, or the default; absolute.
data_directory() { realpath -m -- "${1:-${BACKUP_PLATFORM_DATA:-$checkout/.data}}"; }

# need_space DIR MEGABYTES WHAT: fails when the disk that DIR is or will be on has less.
need_space() {
  local folder=$1 free
  while [ ! -d "$folder" ]; do folder=$(dirname "$folder"); done
  free=$(df -Pm -- "$folder" | awk 'NR == 2 { print $4 }')
  [ "$free" -ge "$2" ] || fail "$3 needs $2 MB on the disk of $1; $free MB are free. Make room, or name another disk."
}

need_dotnet() {
  command -v dotnet >/dev/null || fail "The .NET SDK 10 is needed: https://dotnet.microsoft.com/download"
  export DOTNET_ROOT=${DOTNET_ROOT:-$(dirname "$(readlink -f "$(command -v dotnet)")")}
}

# build WHAT FOLDER…: builds a project or solution, unless no file of the folders has changed since it was last built.
build() {
  local what=$1 stamp="$checkout/AppHost/obj/built-${1//\//-}-$configuration" sources
  shift
  mkdir -p "$checkout/AppHost/obj"
  exec {build_lock}>"$checkout/AppHost/obj/build.lock"
  flock "$build_lock"
  sources=$(cd "$checkout" && find "$@" Directory.*.props global.json \( -name bin -o -name obj -o -name node_modules \) -prune -o -type f -printf '%p %T@\n' | sort | sha256sum)
  if [ "$(cat "$stamp" 2>/dev/null)" != "$sources" ]; then
    say "Building $what …"
    dotnet_build "$what" || return 1
    printf '%s\n' "$sources" >"$stamp"
  fi
  exec {build_lock}>&-
}

# dotnet_build WHAT: builds with a compiler server of its own, and ends it afterwards: it would stay behind as a process.
dotnet_build() {
  local id status=0 left
  id=build-$$-$RANDOM
  (cd "$checkout" && BACKUP_PLATFORM_RUN=$id DOTNET_CLI_USE_MSBUILD_SERVER=0 dotnet build "$1" -c "$configuration" -v quiet \
    -nodeReuse:false -p:UseSharedCompilation=true -p:UseRazorBuildServer=false -p:SharedCompilationId="$id" -clp:"ErrorsOnly;NoSummary") || status=$?
  left=$(marked "$id")
  if [ -n "$left" ]; then kill $left 2>/dev/null || true; fi
  return "$status"
}

# marked RUN: the processes of a platform's run.
marked() { grep -lzxF "BACKUP_PLATFORM_RUN=$1" /proc/[0-9]*/environ 2>/dev/null | sed 's#/proc/\([0-9]*\)/.*#\1#' || true; }
