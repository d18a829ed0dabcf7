#!/usr/bin/env bash
# MariaDB server: start DIR [PORT] [--binlog] [--tls] [--buffer-pool=SIZE]   (--binlog: binary log, row format; --tls:
# offers TLS as localhost, signed by DIR/tls/ca.pem; --buffer-pool: a server of some size, to measure with)
set -euo pipefail
# shellcheck source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
NAME=MARIADB

do_install() { apt_need mariadb-server mariadb-client; }

do_start() {
  local pw sock=$D/mysqld.sock as=() more=()
  ((${#sock} < 104)) || die "path of the socket is too long: $sock"
  for option; do
    case $option in
      --binlog) more+=(--log-bin=binlog --binlog-format=ROW --server-id=1 --sync-binlog=1 --gtid-strict-mode=ON) ;;
      --tls) certify; more+=(--ssl-cert="$D/tls/cert.pem" --ssl-key="$D/tls/key.pem" --ssl-ca="$D/tls/ca.pem") ;;
      --buffer-pool=*) more+=(--innodb-buffer-pool-size="${option#*=}" --innodb-log-file-size=512M) ;;
      *) die "unknown option $option" ;;
    esac
  done
  if [[ $EUID == 0 ]]; then
    as=(--user=mysql); mkdir -p "$D/data" "$D/tmp"; chown mysql: "$D" "$D/data" "$D/tmp"; chmod a+x "$D"
    [[ ! -d $D/tls ]] || chown -R mysql: "$D/tls"
  fi
  if [[ ! -d $D/data/mysql ]]; then
    mariadb-install-db --no-defaults "${as[@]}" --datadir="$D/data" --skip-test-db \
      --auth-root-authentication-method=normal --innodb-log-file-size=16M >"$D/install.log" 2>&1 \
      || { tail -n 20 "$D/install.log" >&2; return 1; }
  fi
  # A server that starts removes every temporary table it finds, and one that loses its own breaks down.
  mkdir -p "$D/tmp"
  pw=$(kept password secret)
  # Read at every start, before the first connection; kept out of the binary log.
  cat >"$D/init.sql" <<SQL
SET SESSION sql_log_bin = 0;
CREATE DATABASE IF NOT EXISTS respawn_test;
ALTER USER 'root'@'localhost' IDENTIFIED BY '$pw';
CREATE OR REPLACE USER 'root'@'127.0.0.1' IDENTIFIED BY '$pw';
GRANT ALL PRIVILEGES ON *.* TO 'root'@'127.0.0.1' WITH GRANT OPTION;
SQL
  chmod 600 "$D/init.sql"
  if [[ $EUID == 0 ]]; then chown mysql: "$D/init.sql"; fi
  printf '[client]\nhost=127.0.0.1\nport=%s\nuser=root\npassword=%s\n[mysql]\ndefault-character-set=utf8mb4\n' "$PORT" "$pw" >"$D/client.cnf"
  chmod 600 "$D/client.cnf"
  spawn mariadbd mariadbd --no-defaults "${as[@]}" --datadir="$D/data" --tmpdir="$D/tmp" --socket="$sock" \
    --bind-address=127.0.0.1 --port="$PORT" --pid-file="$D/mysqld.pid" --init-file="$D/init.sql" \
    --innodb-log-file-size=16M --innodb-buffer-pool-size=64M "${more[@]}"
  wait_for 60 mariadbd mariadb --defaults-file="$D/client.cnf" -e 'SELECT 1' respawn_test
  write_env root "$pw" "mysql://root:$pw@127.0.0.1:$PORT/respawn_test" \
    "SOCKET=$sock" "DATABASE=respawn_test" "CNF=$D/client.cnf" "DATADIR=$D/data"
}

main "$@"
