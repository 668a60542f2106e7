#!/bin/sh
# make bench-s1: what it needs, then bench_s1.py. Usage: run.sh BUILD-FOLDER DATA-FOLDER
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../../etc/packages.sh"
(cd "$here/../../.." && need_packages yes build run otb) || exit 1
make -s -C "$1" tests/bench/sar/ortho_parts || exit 1
python=$1/venv/bin/python
[ -x "$python" ] || python=python3
exec "$python" "$here/bench_s1.py" "$1" "$2"
