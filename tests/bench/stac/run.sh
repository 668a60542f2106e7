#!/bin/sh
# make bench-stac: what it needs, then bench_stac.py. Usage: run.sh BUILD-FOLDER OPTIONS...
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../../etc/packages.sh"
(cd "$here/../../.." && need_packages yes run bench) || exit 1
make -s -C "$1" tests/bench/stac_items || exit 1
python=$1/venv/bin/python
[ -x "$python" ] || python=python3
exec "$python" "$here/bench_stac.py" "$@"
