#!/usr/bin/env bash
# Proves both images on a Debian machine without a Docker engine (`make images-check`): builds them with buildah on a
# base made by debootstrap, then runs the system from them (check_running.py). Needs root. Keeps only the base, in
# var/images.
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly SUITE=bookworm
readonly BASE=localhost/python:3.11-slim-bookworm # The Dockerfiles' FROM, as buildah looks it up locally.
readonly CACHE=$PWD/var/images
readonly BASE_TAR=$CACHE/base-$SUITE.tar
readonly CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt
PYTHON=${PYTHON:-.venv/bin/python}

fail() { echo "images-check: $*" >&2; exit 1; }

[[ $(id -u) == 0 ]] || fail "needs root (chroot isolation): sudo make images-check"
[[ -x $PYTHON ]] || fail "$PYTHON is missing: run make first, or set PYTHON"

mkdir -p "$CACHE"
work=$(mktemp -d "$CACHE/run.XXXXXX")
mkdir "$work/tmp"
export TMPDIR=$work/tmp # buildah mounts its containers here.
storage=(--root "$work/storage" --runroot "$work/storage-run" --storage-driver vfs)

clean_up() {
  local status=$? process
  # Whatever a killed run left behind is known by its folder: it lives in this run's chroot or works in its folder.
  for process in /proc/[0-9]*; do
    if [[ $(readlink "$process/root" "$process/cwd" 2>/dev/null) == *"$work"/* ]]; then kill -KILL "${process#/proc/}"; fi
  done
  buildah "${storage[@]}" rm --all >/dev/null 2>&1 || true # Unmounts what a killed run left mounted.
  # Never delete through a mount that points out of the folder.
  if grep -qF " $work/" /proc/mounts; then
    echo "images-check: $work is still mounted; remove it by hand" >&2
    exit 1
  fi
  rm -rf --one-file-system "$work" || status=1
  exit "$status"
}
trap clean_up EXIT
trap '[[ -z ${child:-} ]] || { kill "$child"; wait "$child" || true; }; exit 130' INT TERM HUP

install_tools() {
  local missing=()
  command -v buildah >/dev/null || missing+=(buildah)
  command -v debootstrap >/dev/null || missing+=(debootstrap)
  ((${#missing[@]} == 0)) && return
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
}

make_base() {
  [[ -s $BASE_TAR ]] && return
  echo "making the base (once, about a minute)"
  local mirror
  # shellcheck disable=SC2016 # $(REPO_URI) is apt's own syntax.
  # The mirror that this machine's apt uses for the suite; empty means debootstrap's own default.
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: $SUITE" 'Component: main' | head -n 1)
  debootstrap --variant=minbase --include=python3,python3-venv,python3-pip,ca-certificates \
    "$SUITE" "$work/base" ${mirror:+"$mirror"} >"$work/debootstrap.log" || { tail "$work/debootstrap.log" >&2; fail "debootstrap"; }
  tar -C "$work/base" --exclude='./var/cache/apt/archives/*.deb' --exclude='./var/lib/apt/lists/*' -cf "$BASE_TAR.new" .
  mv "$BASE_TAR.new" "$BASE_TAR"
  rm -rf --one-file-system "$work/base"
}

import_base() {
  local container
  container=$(buildah "${storage[@]}" from scratch)
  buildah "${storage[@]}" add --quiet "$container" "$BASE_TAR" / >/dev/null
  buildah "${storage[@]}" commit --quiet --rm "$container" "$BASE" >/dev/null
}

# What this machine needs to reach its package registry is mounted for the build, and so never enters an image.
registry_access() {
  local file
  cp "$CA_BUNDLE" "$work/ca.crt"
  for file in "${PIP_CERT:-}" "${SSL_CERT_FILE:-}" "${REQUESTS_CA_BUNDLE:-}"; do
    [[ -f $file && ! $file -ef $CA_BUNDLE ]] && { echo; cat "$file"; } >>"$work/ca.crt"
  done
  "$PYTHON" ops/images/check_pip_conf.py "$CA_BUNDLE" >"$work/pip.conf"
}

build() {
  local started=$SECONDS
  buildah "${storage[@]}" bud --isolation chroot --pull=never --layers=false --format docker --quiet \
    --volume "$work/ca.crt:$CA_BUNDLE:ro" --volume "$work/pip.conf:/etc/pip.conf:ro" \
    --build-arg VERSION=check --file "Dockerfile.$1" --tag "localhost/crewline-$1" . \
    >"$work/build-$1.log" 2>&1 || { tail -n 40 "$work/build-$1.log" >&2; fail "Dockerfile.$1 does not build"; }
  echo "built crewline-$1 in $((SECONDS - started)) s"
}

install_tools
make_base
import_base
registry_access
build api
build worker
# In the background, because bash would hear of a signal only when the command has ended.
"$PYTHON" -m ops.images.check_running "$work" "${storage[@]}" &
child=$!
wait "$child"
