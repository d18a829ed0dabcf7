#!/usr/bin/env bash
# runit: runsvdir over the same three services: start DIR [PORT] [NAME...]   (fail files as in
# supervisord.sh; drive it with: sv status DIR/service/game-engine)
set -euo pipefail
# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
NAME=RUNIT
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SERVICES=(game-engine elizaos payment-processor)

do_install() { apt_need runit python3 curl; }

service() { # $1: name, $2: port; moved into place complete, as runsvdir looks all the time
  mkdir -p "$D/new/$1"
  printf '#!/bin/sh\nexec "%s" "%s" %s %s 2>&1\n' "$here/unit.sh" "$D" "$1" "$2" >"$D/new/$1/run"
  chmod +x "$D/new/$1/run"
  rm -rf "$D/service/$1"; mv "$D/new/$1" "$D/service/$1"
}
do_start() {
  local s i=0 list
  mkdir -p "$D/service" "$D/fail" "$D/dies" "$D/stubborn" "$D/new"
  for s; do : >"$D/fail/$s"; done
  for s in "${SERVICES[@]}"; do service "$s" $((PORT + i++)); done
  spawn runsvdir runsvdir "$D/service"
  for s in "${SERVICES[@]}"; do wait_for 30 runsvdir sv check "$D/service/$s"; done
  list="${SERVICES[*]}"
  write_env '' '' "http://127.0.0.1:$PORT" "DIR=$D/service" "SERVICES=$list" "ORDER=$D/order" "FAIL_DIR=$D/fail"
}

# HUP: runsvdir passes TERM on to every runsv, which takes its service down, and leaves.
do_stop() { stop_pid runsvdir "${1:-HUP}"; }

main "$@"
