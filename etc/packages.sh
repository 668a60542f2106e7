# Sourced by ./demo and ./check: installs Debian packages of etc/packages.
# need_packages INSTALL GROUP...: INSTALL is yes or no.
need_packages() {
    install=$1
    shift
    missing=
    for group in "$@"; do
        for name in $(sed -n "s/^$group: //p" etc/packages); do
            # config-files is not installed; ask for the very word
            dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'ok installed' ||
                missing="$missing $name"
        done
    done
    [ -n "$missing" ] || return 0
    if [ "$install" = no ]; then
        echo "Missing Debian packages:$missing" >&2
        echo "Install them with: apt-get install --no-install-recommends$missing" >&2
        return 1
    fi
    sudo=
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || {
            echo "Installing needs root or sudo:$missing" >&2
            return 1
        }
        sudo=sudo
    fi
    echo "Installing Debian packages:$missing"
    # a broken cluster of Debian's own is of no use to us: do not make one
    $sudo mkdir -p /etc/postgresql-common
    [ -e /etc/postgresql-common/createcluster.conf ] ||
        echo 'create_main_cluster = false' | $sudo tee /etc/postgresql-common/createcluster.conf >/dev/null
    log=$(mktemp)
    if ! $sudo env DEBIAN_FRONTEND=noninteractive apt-get -q -y update >"$log" 2>&1 ||
        ! $sudo env DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends $missing >>"$log" 2>&1; then
        tail -20 "$log" >&2
        echo "The packages could not be installed; the whole log is $log" >&2
        return 1
    fi
    rm -f "$log"
}

# build_sentier DIR CONFIGURE-ARGUMENTS...: configures DIR once and makes what is out of date.
build_sentier() {
    dir=$1
    shift
    [ -x configure ] && [ configure -nt configure.ac ] || autoreconf -fi >/dev/null 2>&1 || autoreconf -fi || return 1
    mkdir -p "$dir"
    (
        cd "$dir" || exit 1
        [ -e Makefile ] || ../configure -q "$@" || exit 1
        make -j"$(nproc)" >make.log 2>&1 || {
            grep -E 'error|warning|\*\*\*' make.log | head -30 >&2
            echo "The build failed; the whole log is $dir/make.log" >&2
            exit 1
        }
    )
}
