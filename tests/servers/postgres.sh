#!/usr/bin/env bash
# PostgreSQL 15: start DIR [PORT] [--wal] [--tls]   (--wal: archiving into DIR/archive, user replicator; --tls:
# offers TLS as localhost, signed by DIR/tls/ca.pem)
set -euo pipefail
# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
NAME=POSTGRES
BIN=/usr/lib/postgresql/15/bin

do_install() { apt_need postgresql-15 postgresql-client-15; }

sql() { PGPASSWORD=$pw psql -X -q -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$PORT" -U postgres -d postgres; }
ready() { sql <<<"SELECT 1"; }

do_start() {
  local pw more=() AS=()
  pw=$(kept password secret)
  mkdir -p "$D/data" "$D/sock" "$D/archive"
  if [[ $EUID == 0 ]]; then # the server refuses root; setpriv execs, so the recorded pid is the server's
    AS=(setpriv --reuid=postgres --regid=postgres --init-groups --)
    chown postgres: "$D/data" "$D/sock" "$D/archive" "$D/password"; chmod a+x "$D"
    "${AS[@]}" test -w "$D/data" || die "user postgres cannot reach $D (a parent folder is closed to it)"
  fi
  chmod 700 "$D/data"
  cd "$D/data"
  if [[ ! -s PG_VERSION ]]; then
    "${AS[@]}" "$BIN/initdb" -D "$D/data" -U postgres --auth=scram-sha-256 --pwfile="$D/password" \
      -E UTF8 --locale=C.UTF-8 >"$D/initdb.log" 2>&1 \
      || { tail -n 20 "$D/initdb.log" >&2; return 1; }
  fi
  for option; do
    case $option in
      --wal) more+=(-c wal_level=replica -c archive_mode=on -c max_wal_senders=10 -c max_replication_slots=10
        -c "archive_command=test ! -f '$D/archive/%f' && cp '%p' '$D/archive/%f.part' && mv '$D/archive/%f.part' '$D/archive/%f'") ;;
      --tls) certify; [[ $EUID != 0 ]] || chown -R postgres: "$D/tls"
        more+=(-c ssl=on -c "ssl_cert_file=$D/tls/cert.pem" -c "ssl_key_file=$D/tls/key.pem") ;;
      *) die "unknown option $option" ;;
    esac
  done
  rm -f "$D/data/postmaster.pid" "$D"/sock/.s.*.lock # after a crash they name a dead, maybe unreaped, pid
  spawn postgres "${AS[@]}" "$BIN/postgres" -D "$D/data" -p "$PORT" -c listen_addresses=127.0.0.1 \
    -c unix_socket_directories="$D/sock" -c shared_buffers=32MB "${more[@]}"
  wait_for 60 postgres ready
  sql <<SQL
SELECT 'CREATE DATABASE respawn_test'
  WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'respawn_test') \gexec
SELECT 'CREATE ROLE replicator LOGIN REPLICATION'
  WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'replicator') \gexec
ALTER ROLE replicator PASSWORD '$pw';
SQL
  write_env postgres "$pw" "postgresql://postgres:$pw@127.0.0.1:$PORT/respawn_test" \
    DATABASE=respawn_test "SOCKET_DIR=$D/sock" "DATADIR=$D/data" "ARCHIVE=$D/archive" \
    "REPLICATION_URL=postgresql://replicator:$pw@127.0.0.1:$PORT/postgres?replication=database"
}

# A fast stop is INT; TERM would wait for every client to leave.
do_stop() { stop_pid postgres "${1:-INT}"; }

main "$@"
