#!/bin/sh
# make bench-ogc: the peers in a virtual environment of their own, then bench_ogc.py.
# Usage: run.sh BUILD-FOLDER
set -u
here=$(cd "$(dirname "$0")" && pwd)
peers=$1/bench-ogc-peers
if [ ! -e "$peers/done" ] || [ "$here/requirements.txt" -nt "$peers/done" ]; then
    /usr/bin/python3 -m venv "$peers" && "$peers/bin/pip" install -q --disable-pip-version-check -r "$here/requirements.txt" &&
        touch "$peers/done" || exit 1
fi
exec "$peers/bin/python" "$here/bench_ogc.py" "$1"
