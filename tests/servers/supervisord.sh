#!/usr/bin/env bash
# supervisord with three small HTTP services (unit.sh): start DIR [PORT] [NAME...]
# The services listen on PORT, PORT+1, PORT+2. While the file DIR/fail/NAME exists, NAME exits
# at once (supervisor ends in FATAL); each NAME given at start gets such a file.
# DIR/order gets one line "seconds NAME" for each time a service starts.
set -euo pipefail
# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
NAME=SUPERVISOR
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SERVICES=(game-engine elizaos payment-processor)

do_install() { apt_need supervisor python3 curl; }

service() { # $1: name, $2: port
  printf '[program:%s]\ncommand="%s" "%s" %s %s\nautostart=true\nautorestart=true\n' "$1" "$here/unit.sh" "$D" "$1" "$2"
  printf 'startsecs=1\nstartretries=1\nstopwaitsecs=3600\nredirect_stderr=true\nstdout_logfile=%s/%s.log\n\n' "$D" "$1"
}
settled() { # every service reached an end state; a service told to fail makes status exit 3
  [[ $(supervisorctl -c "$D/supervisord.conf" status) =~ (RUNNING|FATAL).*(RUNNING|FATAL).*(RUNNING|FATAL) ]]
}

do_start() {
  local pw s i=0 list="${SERVICES[*]}"
  pw=$(kept password secret)
  mkdir -p "$D/fail" "$D/dies" "$D/stubborn" "$D/www" "$D/run"
  for s; do : >"$D/fail/$s"; done
  ( umask 077; cat >"$D/supervisord.conf" <<CONF
[unix_http_server]
file=$D/supervisor.sock
chmod=0700
username=respawn
password=$pw
[supervisord]
nodaemon=true
pidfile=$D/supervisord.pid
logfile=$D/supervisor-main.log
childlogdir=$D
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://$D/supervisor.sock
username=respawn
password=$pw
CONF
  )
  for s in "${SERVICES[@]}"; do service "$s" $((PORT + i++)) >>"$D/supervisord.conf"; done
  spawn supervisord supervisord -c "$D/supervisord.conf"
  wait_for 30 supervisord settled
  write_env respawn "$pw" "unix://$D/supervisor.sock" "CONF=$D/supervisord.conf" "SERVICES=$list" \
    "SOCKET=$D/supervisor.sock" "ORDER=$D/order" "FAIL_DIR=$D/fail"
}

main "$@"
