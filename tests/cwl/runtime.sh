#!/bin/bash
# A runtime of containers for tests: takes the command line of podman or apptainer, by whose name it is called, writes it
# down word by word, and runs the command where its mounts say. Its image is this machine's /usr.
record=$(dirname "$0")/record
printf '%s\n' "$@" > "$record"
env | sort > "$record.environment"
bind=() command=() folder=/ net=--unshare-net state=before
mount() { # type=bind,source=A,destination=B[,ro]
    local from=${1#type=bind,source=} to how=--bind
    to=${from#*,destination=} from=${from%%,destination=*}
    [[ $to == *,ro ]] && how=--ro-bind to=${to%,ro}
    bind+=("$how" "$from" "$to")
}
while [ $# -gt 0 ]; do
    case $state,$1 in
    image,*) command+=("$1") ;;
    before,run | before,exec) state=options ;;
    *,--mount) mount "$2"; shift ;;
    *,--home) bind+=(--bind "${2%%:*}" "${2#*:}"); shift ;;
    *,--workdir | *,--pwd) folder=$2; shift ;;
    *,--env) export "$2"; shift ;;
    *,--network=host) net= ;;
    *,--root | *,--runroot | *,--tmpdir | *,--storage-opt | *,--user | *,--ulimit | *,--security | *,--network | *,--no-mount) shift ;;
    options,[!-]*) state=image ;;
    esac
    shift
done
exec bwrap --ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/lib /lib --symlink usr/lib64 /lib64 --proc /proc --dev /dev \
    $net "${bind[@]}" --remount-ro / --chdir "$folder" "${command[@]}"
