#!/bin/sh
# Installs the collector as a systemd service. Each version has its own virtual environment, with the dependencies pinned
# by version and hash in requirements.lock.
#
#   install.sh install DIST      install, or upgrade to, the release in the directory DIST (built by `make dist`)
#   install.sh rollback          switch to the previous version
#   install.sh remove [--purge]  remove all versions; with --purge also the configuration and secrets
#   install.sh status            list the installed versions
#
# DIST contains one wheel of mist-collector, requirements.lock and SHA256SUMS of both. An upgrade is activated only if the
# new version accepts the configuration, and is rolled back if the service does not start.
#
# Environment: PREFIX (/opt/mist-collector), CONFIG (/etc/mist-collector), UNITS (/etc/systemd/system),
# PYTHON (python3, 3.11 or newer), PIP_OPTIONS (additional pip options, for instance --index-url).
set -eu

PREFIX=${PREFIX:-/opt/mist-collector}
CONFIG=${CONFIG:-/etc/mist-collector}
UNITS=${UNITS:-/etc/systemd/system}
PYTHON=${PYTHON:-python3}
PIP_OPTIONS=${PIP_OPTIONS:-}
SYSTEMD_RUNS=${SYSTEMD_RUNS:-/run/systemd/system} # exists only if systemd is the init system
KEEP=3 # versions to keep
HERE=$(cd "$(dirname "$0")" && pwd)

say() { printf '%s\n' "$*"; }
fail() { printf 'install.sh: %s\n' "$*" >&2; exit 1; }
usage() { sed -n '5,8s/^# *//p' "$0" >&2; exit 2; }

link_target() { if [ -L "$PREFIX/$1" ]; then readlink "$PREFIX/$1"; fi; } # prints releases/VERSION, or nothing

# Replaces the link $1 by one to releases/$2, atomically.
set_link() {
    ln -sfn "releases/$2" "$PREFIX/.$1.new"
    mv -T "$PREFIX/.$1.new" "$PREFIX/$1"
}

have_systemd() { [ -d "$SYSTEMD_RUNS" ] && command -v systemctl >/dev/null 2>&1; }
# Lists the active and failed units, shards included.
services() {
    systemctl list-units --all --plain --no-legend 'mist-collector.service' 'mist-collector@*.service' | awk '$3 == "active" || $3 == "activating" || $3 == "failed" { print $1 }'
}

restart_services() {
    have_systemd || { say "systemd is not running: start the collector manually."; return 0; }
    systemctl daemon-reload
    for service in $(services); do
        systemctl restart "$service" || return 1
    done
}

config_is_valid() { # for version $1; true without a configuration
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

create_release() { # $1: directory with wheel and lock file, $2: version
    release=$PREFIX/releases/$2
    rm -rf "$release.new" # left by an interrupted installation
    # A virtual environment contains its own path and cannot be moved.
    if [ -e "$release/.complete" ]; then say "Version $2 is already installed."; return 0; fi
    rm -rf "$release"
    say "Installing version $2 with its dependencies into $release ..."
    "$PYTHON" -m venv "$release"
    # shellcheck disable=SC2086 # splits into options
    "$release/bin/python" -m pip install --quiet --disable-pip-version-check $PIP_OPTIONS \
        --no-deps --require-hashes --only-binary :all: -r "$1/requirements.lock"
    "$release/bin/python" -m pip install --quiet --disable-pip-version-check --no-index --no-deps "$1"/mist_collector-*.whl
    "$release/bin/python" -m compileall -q "$release/lib" || true
    "$release/bin/mist-collector" --version >/dev/null
    touch "$release/.complete"
}

remove_old_releases() {
    keep="$(link_target current) $(link_target previous)"
    # Newest first; the targets of current and previous are kept.
    # shellcheck disable=SC2012 # names are versions
    for name in $(ls -1t "$PREFIX/releases" | tail -n +$((KEEP + 1))); do
        case " $keep " in *" releases/$name "*) ;; *) rm -rf "${PREFIX:?}/releases/$name" ;; esac
    done
}

do_install() {
    [ $# -eq 1 ] || usage
    dist=$(cd "$1" 2>/dev/null && pwd) || fail "$1 is not a directory"
    "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "$PYTHON is older than Python 3.11; set PYTHON"
    set -- "$dist"/mist_collector-*.whl
    if [ $# -ne 1 ] || [ ! -f "$1" ]; then fail "$dist must contain exactly one wheel mist_collector-*.whl"; fi
    [ -f "$dist/requirements.lock" ] || fail "$dist contains no requirements.lock"
    [ -f "$dist/SHA256SUMS" ] || fail "$dist contains no SHA256SUMS"
    (cd "$dist" && sha256sum --quiet --strict --check SHA256SUMS) || fail "the files in $dist do not match SHA256SUMS"
    version=$(basename "$1" | cut -d- -f2)
    umask 022
    mkdir -p "$PREFIX/releases" "$CONFIG" "$UNITS"
    [ -d "$CONFIG/secrets" ] || mkdir -m 0700 "$CONFIG/secrets"
    create_release "$dist" "$version"
    config_is_valid "$version" || fail "version $version rejects $CONFIG/collector.yaml; the installed version is unchanged"
    previous=$(link_target current)
    install_units
    activate "$version"
    if ! restart_services; then
        case $previous in "" | "releases/$version") fail "the service does not start: journalctl -u mist-collector" ;; esac
        swap_versions
        restart_services || true
        fail "the service does not start with version $version; rolled back to ${previous#releases/}. See: journalctl -u mist-collector"
    fi
    remove_old_releases
    say "mist-collector $version is installed in $PREFIX."
    [ -f "$CONFIG/collector.yaml" ] || say "Next: $PREFIX/current/bin/mist-collector init --directory $CONFIG, then systemctl enable --now mist-collector"
}

activate() { # version $1
    old=$(link_target current)
    if [ -n "$old" ] && [ "$old" != "releases/$1" ]; then set_link previous "${old#releases/}"; fi
    set_link current "$1"
}

swap_versions() {
    old=$(link_target current) new=$(link_target previous)
    set_link current "${new#releases/}"
    set_link previous "${old#releases/}"
}

do_rollback() {
    previous=$(link_target previous)
    [ -x "$PREFIX/${previous:-none}/bin/mist-collector" ] || fail "there is no previous version"
    config_is_valid "${previous#releases/}" || fail "version ${previous#releases/} rejects $CONFIG/collector.yaml; the installed version is unchanged"
    swap_versions
    restart_services || fail "the service does not start: journalctl -u mist-collector"
    say "Rolled back to version ${previous#releases/}."
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
    if [ "$purge" = --purge ]; then rm -rf "${CONFIG:?}"; say "Removed, including $CONFIG."; else say "Removed. $CONFIG is kept."; fi
}

do_status() {
    current=$(link_target current)
    previous=$(link_target previous)
    say "current: ${current#releases/}"
    say "previous: ${previous#releases/}"
    for release in "$PREFIX"/releases/*/; do
        if [ -e "$release.complete" ]; then say "installed: $(basename "$release")"; fi
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
