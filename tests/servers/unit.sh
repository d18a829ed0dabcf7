#!/bin/sh
# unit.sh DIR NAME PORT: a service of the tests. It serves HTTP on PORT, unless a file says otherwise:
# DIR/fail/NAME: it ends at once; DIR/dies/NAME: after a moment; DIR/stubborn/NAME: it does not stop when told.
echo "$(date +%s.%N) $2" >>"$1/order"
if [ -e "$1/fail/$2" ]; then echo "$2: told to fail" >&2; exit 3; fi
if [ -e "$1/dies/$2" ]; then sleep 0.3; exit 4; fi
if [ -e "$1/stubborn/$2" ]; then trap '' TERM; fi
mkdir -p "$1/www/$2"
exec /usr/bin/python3 -m http.server --bind 127.0.0.1 --directory "$1/www/$2" "$3"
