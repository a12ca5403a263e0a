#!/usr/bin/env bash
# From nothing to numbers: installs, builds, and shows a live server being switched under load.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source deploy/progress.sh

usage() {
  cat <<'TEXT'
Usage: deploy/quickstart.sh [--keep] [--seconds N] [--clients N]

Installs the packages handshake needs, builds it (build/release/bin), starts a server and a load
agent on loopback, drives the server through every mode under load, prints what it measured and
ends everything it started.

Options:
  --keep       leave server and agent running, and say how to reach and how to end them
  --seconds N  how long each mode is measured, 1 to 30 (default 4)
  --clients N  clients at once, 2 to 1000 (default 64)
  --help       this text

Environment:
  HANDSHAKE_SKIP_PACKAGES=1  do not install packages

Exit codes: 0 all went well and nothing was lost, 1 something failed, 2 wrong usage.
TEXT
}

wrong() {
  echo "quickstart: $*; see deploy/quickstart.sh --help" >&2
  exit 2
}

# A whole number within bounds, or the end.
number() {
  [[ $2 =~ ^[0-9]{1,4}$ ]] && ((10#$2 >= $3 && 10#$2 <= $4)) ||
    wrong "$1 takes a number from $3 to $4, not '$2'"
}

tour=()
while (($# > 0)); do
  case $1 in
    --help | -h) usage && exit 0 ;;
    --keep) tour+=(--keep) ;;
    --seconds) number "$1" "${2:-}" 1 30 && tour+=(--seconds "$2") && shift ;;
    --clients) number "$1" "${2:-}" 2 1000 && tour+=(--clients "$2") && shift ;;
    *) wrong "unknown argument '$1'" ;;
  esac
  shift
done

# A second build of the same source in another folder finds the first one's results.
export CCACHE_BASEDIR=${CCACHE_BASEDIR:-$PWD} CCACHE_NOHASHDIR=${CCACHE_NOHASHDIR:-1}

deploy/packages.sh build
progress_step "configuring" build/logs/quickstart-configure.log cmake --preset release ||
  exit 1
progress_step "building release (the first time takes some minutes)" \
  build/logs/quickstart-build.log \
  cmake --build --preset release --target \
  handshake-server handshake-client handshakectl || exit 1
exec python3 deploy/quickstart_tour.py --bin build/release/bin "${tour[@]}"
