#!/usr/bin/env bash
# Installs what the platform needs and is not there: PostgreSQL and RabbitMQ to run it, with --tests also what its tests need.
# What is installed already is used as it is. No system service is started: the platform runs private servers of its own.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

packages=()
reasons=()
# want PACKAGE WHY PROGRAM…: the package, unless one of the programs is there.
want() {
  local package=$1 why=$2 program
  shift 2
  for program in "$@"; do
    if command -v "$program" >/dev/null || compgen -G "$program" >/dev/null; then return; fi
  done
  packages+=("$package")
  reasons+=("$package ($why)")
}

want postgresql "event stores and read models" '/usr/lib/postgresql/*/bin/postgres' postgres
want rabbitmq-server "messages between services" /usr/lib/rabbitmq/bin/rabbitmq-server
want curl "calls of the operator API" curl
want jq "reading the answers of the operator API" jq
if [ "${1:-}" = --tests ]; then
  want nodejs "runs Azurite, which stands for Azure Blob storage in tests" node
  want npm "installs Azurite" npm
  want chromium "opens the portal's page in tests" /usr/bin/chromium /usr/bin/chromium-browser /usr/bin/google-chrome
fi

# Keeps packages from starting their services while they are installed, and from starting them at the next boot.
install_quietly() {
  local policy=/usr/sbin/policy-rc.d made=
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | $root tee "$policy" >/dev/null
    $root chmod +x "$policy"
    made=1
  fi
  local status=0
  $root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${packages[@]}" || status=$?
  if [ -n "$made" ]; then $root rm -f "$policy"; fi
  return "$status"
}

if [ "${#packages[@]}" -gt 0 ]; then
  say "Not installed yet: ${reasons[*]}."
  if [ "$(id -u)" -eq 0 ]; then root=
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then root=sudo
  else fail "Installing needs root or sudo. Ask for: apt-get install ${packages[*]}"; fi
  command -v apt-get >/dev/null || fail "There is no apt-get here. Install by your system's means: ${packages[*]}"
  need_space /var 1000 "Installing"

  say "Installing with apt-get: ${packages[*]}; their system services stay off."
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  if ! install_quietly >"$log" 2>&1; then
    # The lists may be missing or old.
    { $root apt-get update -q && install_quietly; } >"$log" 2>&1 || { tail -n 20 "$log" >&2; fail "apt-get could not install ${packages[*]}."; }
  fi
  if [ -d /run/systemd/system ]; then
    for package in "${packages[@]}"; do
      case $package in
        postgresql) $root systemctl disable --quiet postgresql 2>/dev/null || true ;;
        rabbitmq-server) $root systemctl disable --quiet rabbitmq-server epmd.socket 2>/dev/null || true ;;
      esac
    done
  fi
fi

azurite=$checkout/tests/Storage.Conformance
if [ "${1:-}" = --tests ] && [ -f "$azurite/package-lock.json" ] && [ -z "${AZURITE_BIN:-}" ] && [ ! -x "$azurite/node_modules/.bin/azurite" ]; then
  say "Installing Azurite with npm, into ${azurite#"$checkout"/}/node_modules, for the tests of the Azure store."
  (cd "$azurite" && npm ci --no-audit --no-fund --loglevel=error)
fi
