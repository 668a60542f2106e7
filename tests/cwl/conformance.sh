#!/bin/sh
# conformance.sh SENTIER FOLDER: runs the tests of a checkout of cwl-v1.2. cwltest must be in the PATH (pip install cwltest).
# The sandbox has Debian's own commands: where a tool says `python`, a copy says python3.
sentier=$1 folder=$2
test -e "$folder/conformance_tests.yaml" || { echo "CWL_TESTS: no folder with conformance_tests.yaml" >&2; exit 2; }
copy=$(mktemp -d /var/tmp/cwl-conformance-XXXXXX) || exit 1
trap 'rm -rf "$copy"' EXIT
cp -r "$folder/." "$copy"
find "$copy/tests" -name '*.cwl' -exec sed -i -E 's/\r$//; s/^([ -]*("?baseCommand"?: *)?\[?"?)python("?,.*|"?\]?)$/\1python3\3/' {} +
printf '#!/bin/bash\nwords=()\nfor w in "$@"; do [ "$w" = --quiet ] || words+=("$w"); done\nexec "%s" cwl "${words[@]}"\n' "$sentier" > "$copy/run"
chmod +x "$copy/run"
cd "$copy" && cwltest --test conformance_tests.yaml --tool "$copy/run" -j 2 --timeout 60
