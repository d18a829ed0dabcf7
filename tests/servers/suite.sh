#!/usr/bin/env bash
# The servers that the whole suite shares: start FILE (writes their folder into it), stop FILE.
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
servers=(mariadb postgres)

stop() {
    local folder
    [[ -s $1 ]] || return 0
    folder=$(<"$1")
    rm -f "$1"
    [[ -d $folder ]] || return 0
    for server in "${servers[@]}"; do
        [[ ! -d $folder/$server ]] || "$here/$server.sh" stop "$folder/$server"
    done
    rm -rf "$folder"
}

start() {
    local folder server started=()
    stop "$1" # those of a suite that was killed
    folder=$(mktemp -d /tmp/respawn-servers.XXXXXX)
    chmod 711 "$folder" # they run as users of their own
    echo "$folder" >"$1"
    for server in "${servers[@]}"; do
        "$here/$server.sh" start "$folder/$server" --tls >/dev/null &
        started+=($!)
    done
    for server in "${started[@]}"; do
        wait "$server" || { stop "$1"; exit 1; }
    done
}

case ${1:-} in
start | stop) "$1" "${2:?a file is needed}" ;;
*) echo "usage: suite.sh start|stop FILE" >&2; exit 2 ;;
esac
