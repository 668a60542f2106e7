#!/bin/sh
# make bench: every benchmark, one after the other; each prints medians and ratios.
# Usage: run.sh BUILD-FOLDER
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../etc/packages.sh"
(cd "$here/../.." && need_packages yes bench) || exit 1
build=$1
python=$build/venv/bin/python
[ -x "$python" ] || python=python3
status=0

echo "# $(uname -m), $(nproc) cores, $(date -u +%F)"
make -s -C "$build" tests/bench/bench_raster tests/bench/bare_mhd || exit 1
echo "## NDVI median of five dates against decoding and encoding alone"
"$build/tests/bench/bench_raster" "${BENCH_CACHE:-$build/bench}" || status=1
for script in "$here"/bench_*.py; do
    echo "## $(sed -n '1s/^"""\([^.]*\)\..*/\1/p' "$script")"
    "$python" "$script" "$build" || status=1
done
exit $status
