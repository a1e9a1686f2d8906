#!/bin/sh
# Installs the collector as a systemd service: each version in a virtual environment of its own, with the dependencies
# at exactly the versions and hashes of requirements.lock.
#
#   install.sh install DIST    install, or upgrade to, the release in the folder DIST (made by `make dist`)
#   install.sh rollback        go back to the version before
#   install.sh remove [--purge]  remove the programs; --purge also configuration and secrets
#   install.sh status          which versions are there, and which one is used
#
# DIST holds one wheel of mist-collector, requirements.lock and SHA256SUMS of both. An upgrade is switched on only when the new
# version accepts the configuration, and is taken back when the service does not start with it.
#
# Environment: PREFIX (/opt/mist-collector), CONFIG (/etc/mist-collector), UNITS (/etc/systemd/system),
# PYTHON (python3, 3.11 or newer), PIP_OPTIONS (more options for pip, an index for instance).
set -eu

PREFIX=${PREFIX:-/opt/mist-collector}
CONFIG=${CONFIG:-/etc/mist-collector}
UNITS=${UNITS:-/etc/systemd/system}
PYTHON=${PYTHON:-python3}
PIP_OPTIONS=${PIP_OPTIONS:-}
SYSTEMD_RUNS=${SYSTEMD_RUNS:-/run/systemd/system} # there only while systemd is the init system
KEEP=3 # versions that stay on the disk
HERE=$(cd "$(dirname "$0")" && pwd)

say() { printf '%s\n' "$*"; }
fail() { printf 'install.sh: %s\n' "$*" >&2; exit 1; }
usage() { sed -n '5,8s/^# *//p' "$0" >&2; exit 2; }

target() { if [ -L "$PREFIX/$1" ]; then readlink "$PREFIX/$1"; fi; } # of the link $1: releases/VERSION, or nothing

# Points the link $1 at releases/$2 in one step: there is no moment without it.
point() {
    ln -sfn "releases/$2" "$PREFIX/.$1.new"
    mv -T "$PREFIX/.$1.new" "$PREFIX/$1"
}

have_systemd() { [ -d "$SYSTEMD_RUNS" ] && command -v systemctl >/dev/null 2>&1; }
# The services of ours that run or were told to: the plain one and every shard.
services() {
    systemctl list-units --all --plain --no-legend 'mist-collector.service' 'mist-collector@*.service' | awk '$3 == "active" || $3 == "activating" || $3 == "failed" { print $1 }'
}

restart() {
    have_systemd || { say "No systemd runs here: start it by hand."; return 0; }
    systemctl daemon-reload
    for service in $(services); do
        systemctl restart "$service" || return 1
    done
}

accepts() { # whether version $1 accepts the configuration, if there is one
    [ -f "$CONFIG/collector.yaml" ] || return 0
    "$PREFIX/releases/$1/bin/mist-collector" check-config "$CONFIG/collector.yaml"
}

install_units() {
    for unit in mist-collector.service mist-collector@.service; do
        sed "s#/opt/mist-collector#$PREFIX#g; s#/etc/mist-collector#$CONFIG#g" "$HERE/$unit" > "$UNITS/.$unit.new"
        chmod 0644 "$UNITS/.$unit.new"
        mv "$UNITS/.$unit.new" "$UNITS/$unit"
    done
}

make_release() { # $1 the folder with wheel and lock, $2 the version
    release=$PREFIX/releases/$2
    rm -rf "$release.new" # an installation that was interrupted
    # A virtual environment knows its own path, so it is made where it stays.
    if [ -e "$release/.complete" ]; then say "Version $2 is installed already."; return 0; fi
    rm -rf "$release"
    say "Installing version $2 with its dependencies into $release ..."
    "$PYTHON" -m venv "$release"
    # shellcheck disable=SC2086 # options are words
    "$release/bin/python" -m pip install --quiet --disable-pip-version-check $PIP_OPTIONS \
        --require-hashes --only-binary :all: -r "$1/requirements.lock"
    "$release/bin/python" -m pip install --quiet --disable-pip-version-check --no-index --no-deps "$1"/mist_collector-*.whl
    "$release/bin/python" -m compileall -q "$release/lib" || true
    "$release/bin/mist-collector" --version >/dev/null
    touch "$release/.complete"
}

forget_old() {
    keep="$(target current) $(target previous)"
    # The newest last; what current and previous point at stays whatever its age.
    # shellcheck disable=SC2012 # names are versions
    for name in $(ls -1t "$PREFIX/releases" | tail -n +$((KEEP + 1))); do
        case " $keep " in *" releases/$name "*) ;; *) rm -rf "${PREFIX:?}/releases/$name" ;; esac
    done
}

do_install() {
    [ $# -eq 1 ] || usage
    dist=$(cd "$1" 2>/dev/null && pwd) || fail "$1 is not a folder"
    "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "$PYTHON is older than Python 3.11: name another with PYTHON="
    set -- "$dist"/mist_collector-*.whl
    if [ $# -ne 1 ] || [ ! -f "$1" ]; then fail "$dist must hold exactly one wheel mist_collector-*.whl"; fi
    [ -f "$dist/requirements.lock" ] || fail "$dist holds no requirements.lock"
    [ -f "$dist/SHA256SUMS" ] || fail "$dist holds no SHA256SUMS"
    (cd "$dist" && sha256sum --quiet --strict --check SHA256SUMS) || fail "the files in $dist are not those that SHA256SUMS names"
    version=$(basename "$1" | cut -d- -f2)
    umask 022
    mkdir -p "$PREFIX/releases" "$CONFIG" "$UNITS"
    [ -d "$CONFIG/secrets" ] || mkdir -m 0700 "$CONFIG/secrets"
    make_release "$dist" "$version"
    accepts "$version" || fail "version $version does not accept $CONFIG/collector.yaml; nothing was switched"
    before=$(target current)
    install_units
    switch "$version"
    if ! restart; then
        case $before in "" | "releases/$version") fail "the service does not start: journalctl -u mist-collector" ;; esac
        switch_back
        restart || true
        fail "the service does not start with version $version; back on ${before#releases/}. See journalctl -u mist-collector"
    fi
    forget_old
    say "mist-collector $version is installed in $PREFIX."
    [ -f "$CONFIG/collector.yaml" ] || say "Next: $PREFIX/current/bin/mist-collector init --directory $CONFIG, then systemctl enable --now mist-collector"
}

switch() { # to version $1
    old=$(target current)
    if [ -n "$old" ] && [ "$old" != "releases/$1" ]; then point previous "${old#releases/}"; fi
    point current "$1"
}

switch_back() {
    old=$(target current) new=$(target previous)
    point current "${new#releases/}"
    point previous "${old#releases/}"
}

do_rollback() {
    before=$(target previous)
    [ -x "$PREFIX/${before:-none}/bin/mist-collector" ] || fail "there is no version before this one"
    accepts "${before#releases/}" || fail "version ${before#releases/} does not accept $CONFIG/collector.yaml; nothing was switched"
    switch_back
    restart || fail "the service does not start: journalctl -u mist-collector"
    say "Back on version ${before#releases/}."
}

do_remove() {
    purge=${1:-}
    [ -z "$purge" ] || [ "$purge" = --purge ] || usage
    if have_systemd; then
        for service in $(services); do systemctl disable --now "$service" || true; done
    fi
    rm -f "$UNITS/mist-collector.service" "$UNITS/mist-collector@.service"
    if have_systemd; then systemctl daemon-reload; fi
    rm -rf "${PREFIX:?}/releases" "$PREFIX/current" "$PREFIX/previous"
    rmdir "$PREFIX" 2>/dev/null || true
    if [ "$purge" = --purge ]; then rm -rf "${CONFIG:?}"; say "Removed, with $CONFIG."; else say "Removed. $CONFIG is left as it is."; fi
}

do_status() {
    used=$(target current)
    before=$(target previous)
    say "used: ${used#releases/}"
    say "before: ${before#releases/}"
    for release in "$PREFIX"/releases/*/; do
        if [ -e "$release.complete" ]; then say "there: $(basename "$release")"; fi
    done
}

[ $# -ge 1 ] || usage
command=$1
shift
case $command in
    install | upgrade) do_install "$@" ;;
    rollback) do_rollback ;;
    remove) do_remove "$@" ;;
    status) do_status ;;
    *) usage ;;
esac
