#!/bin/sh
# make bench-openeo: what it needs, in a virtual environment of its own, then bench_openeo.py.
# Usage: run.sh BUILD-FOLDER DATA-FOLDER [CASE...]
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../../etc/packages.sh"
(cd "$here/../../.." && need_packages yes build run bench) || exit 1
make -s -C "$1" tests/bench/openeo/bench_floor || exit 1
peers=$1/bench-openeo-peers
if [ ! -e "$peers/done" ] || [ "$here/requirements.txt" -nt "$peers/done" ]; then
    /usr/bin/python3 -m venv "$peers" && "$peers/bin/pip" install -q --disable-pip-version-check -r "$here/requirements.txt" &&
        touch "$peers/done" || exit 1
fi
exec "$peers/bin/python" "$here/bench_openeo.py" "$@"
