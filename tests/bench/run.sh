#!/usr/bin/env bash
# Builds what is measured and measures it. What each suite does, and what its numbers do not say:
# tests/bench/README.md.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source deploy/progress.sh

usage() {
  cat <<'TEXT'
Usage: tests/bench/run.sh [--quick] [--output FILE] [SUITE]...
       tests/bench/run.sh --list

Builds the release preset, the frozen floors and the rivals, then measures in a network namespace
of its own: all suites, or those named. Prints a table a suite and writes JSON.

Options:
  --quick        fewer and shorter runs: to see that it works, not to decide by
  --output FILE  where the JSON goes (default build/bench/SUITE.json or build/bench/all.json)
  --list         the suites
  --help         this text

Environment:
  HANDSHAKE_SKIP_PACKAGES=1  do not install packages

Run it as root on a quiet machine. A rival or tool that is not here is reported as missing.
Exit codes: 0 all gates met, 1 a gate missed or not measured, 2 wrong usage, 3 void: the control
pair, one server against itself, left 0.95 to 1.05.
TEXT
}

wrong() {
  echo "run.sh: $*; see tests/bench/run.sh --help" >&2
  exit 2
}

list() { PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=tests/bench /usr/bin/python3 -c '
import all_suites
for suite in all_suites.ALL:
    print(f"{suite.NAME:10} {suite.ABOUT}")'; }

suites=$(list)
arguments=()
while (($# > 0)); do
  case $1 in
    --help | -h) usage && exit 0 ;;
    --list) echo "$suites" && exit 0 ;;
    --quick) arguments+=(--quick) ;;
    --output)
      [[ -n ${2:-} ]] || wrong "--output takes a file"
      arguments+=(--output "$2") && shift
      ;;
    -*) wrong "unknown argument '$1'" ;;
    *)
      grep -q "^$1 " <<<"$suites" || wrong "no suite '$1'"
      arguments+=("$1")
      ;;
  esac
  shift
done

# A second build of the same source in another folder finds the first one's results.
export CCACHE_BASEDIR=${CCACHE_BASEDIR:-$PWD} CCACHE_NOHASHDIR=${CCACHE_NOHASHDIR:-1}

deploy/packages.sh build
deploy/packages.sh bench || echo "run.sh: what could not be installed is reported as missing"
progress_step "configuring" build/logs/bench-configure.log cmake --preset release || exit 1
progress_step "building release" build/logs/bench-build.log \
  cmake --build --preset release --target \
  handshake-server handshake-client handshakectl bench-floors || exit 1
progress_step "building the rivals" build/logs/bench-rivals.log \
  cmake --build --preset release --target bench-rivals -- -k 0 ||
  echo "run.sh: what could not be built is reported as missing"

namespaces=(--net --mount)
((EUID == 0)) || namespaces+=(--user --map-root-user)
export PYTHONDONTWRITEBYTECODE=1
# Tracepoints count system calls; where they are hidden, strace does.
exec unshare "${namespaces[@]}" -- bash -c '
  mountpoint -q /sys/kernel/tracing || mount -t tracefs none /sys/kernel/tracing 2>/dev/null || true
  exec /usr/bin/python3 tests/bench/main.py --bin build/release/bin "$@"' bench "${arguments[@]}"
