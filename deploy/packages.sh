#!/usr/bin/env bash
# The one list of what handshake needs from Debian, and its installer: only what is missing, from
# the distribution only. Safe to run again: with nothing missing it changes nothing.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: deploy/packages.sh [--list] GROUP...

Installs the missing packages of the groups, as root or with sudo.

Groups:
  build   compile handshake and run the quickstart
  test    build, and run every test
  lint    test, and run the static analysis (tests/run.sh --lint)
  bench   build, and measure against the rivals (tests/bench/run.sh)

Options:
  --list  print the packages, one a line with what each is for, and install nothing
  --help  this text

Environment:
  HANDSHAKE_SKIP_PACKAGES=1  install nothing: you have what is needed already

Exit codes: 0 all there, 1 could not install, 2 wrong usage.
Tested on Debian 12 only.
TEXT
}

# GROUP PACKAGE PURPOSE; a group includes those before it.
packages() {
  cat <<'TEXT'
build g++                    the compiler, C++20
build cmake                  configures the build
build ninja-build            runs it
build ccache                 makes the second build quick
build git                    knows the version that is built
build libgrpc++-dev          gRPC, the control API
build protobuf-compiler-grpc its code generator
build libprotobuf-dev        the messages of the control API
build protobuf-compiler      their code generator
build libabsl-dev            status values, string formatting
build libspdlog-dev          logging
build liburing-dev           the io-uring mode
build libcli11-dev           command lines
build zlib1g-dev             compresses exported histograms
build libgtest-dev           the unit tests
build libgmock-dev           their matchers
build python3                the quickstart's driver, the tidy tests
test python3-protobuf        the tests of the contract
test python3-grpcio          the test client that shares no code with us
test clang-19                the second compiler of the coroutine mode
test clang-format-19         the format test
test netcat-openbsd          a server of the clients' tests that shares no code with us
test socat                   another
test libhdrhistogram-java    the HdrHistogram that reads exported histograms
test default-jdk-headless    runs it
lint clang-tidy-19           the static analysis
lint libclang-rt-19-dev      what the fuzz targets run on
bench python3-grpcio         the benchmark's driver, as an operator
bench python3-protobuf       its messages
bench liburing-dev           the io_uring floor
bench libasio-dev            the Asio rivals
bench golang-go              the Go rival
bench libbenchmark-dev       the micro-benchmark of the parser
bench linux-perf             counts system calls
bench strace                 counts them where perf may not
TEXT
}

fail() {
  echo "packages: $*" >&2
  exit 1
}

installed() { [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

known() { apt-cache policy "$1" 2>/dev/null | grep -q '^  Candidate: [^(]'; }

# Prints the command prefix that makes us root: nothing, or sudo.
privilege() {
  if ((EUID == 0)); then
    return
  fi
  command -v sudo >/dev/null || fail "not root and no sudo; as root run: apt-get install $*"
  echo sudo
}

apt() { $root env DEBIAN_FRONTEND=noninteractive apt-get -q -y "$@"; }

update() {
  echo "packages: refreshing the package lists"
  apt update || fail "apt-get update failed; is the network up?"
}

list=no
wanted=""
for argument in "$@"; do
  case $argument in
    --help | -h) usage && exit 0 ;;
    --list) list=yes ;;
    build) wanted+="|build" ;;
    test) wanted+="|build|test" ;;
    lint) wanted+="|build|test|lint" ;;
    bench) wanted+="|build|bench" ;;
    *) echo "packages: unknown argument '$argument'; see deploy/packages.sh --help" >&2 && exit 2 ;;
  esac
done
[[ -n $wanted ]] || { usage >&2 && exit 2; }
selection=$(packages | grep -E "^(${wanted#|}) ")

if [[ $list == yes ]]; then
  cut -d ' ' -f 2- <<<"$selection"
  exit 0
fi
if [[ ${HANDSHAKE_SKIP_PACKAGES:-} == 1 ]]; then
  echo "packages: skipped (HANDSHAKE_SKIP_PACKAGES=1)"
  exit 0
fi

system=$(. /etc/os-release 2>/dev/null && echo "${ID:-} ${VERSION_ID:-}") || true
if [[ $system != "debian 12" ]]; then
  echo "packages: this is '${system:-an unknown system}'; handshake is tested on Debian 12 only" >&2
  command -v apt-get >/dev/null ||
    fail "no apt-get here; install the like of 'deploy/packages.sh --list $*'," \
      "then set HANDSHAKE_SKIP_PACKAGES=1"
fi

missing=()
while read -r _ package _; do
  installed "$package" || missing+=("$package")
done <<<"$selection"
if ((${#missing[@]} == 0)); then
  echo "packages: all there"
  exit 0
fi

root=$(privilege "${missing[@]}")
for package in "${missing[@]}"; do
  known "$package" || { update && break; }
done
echo "packages: installing ${missing[*]}"
# One that cannot be had keeps back none of the others.
install_each() {
  local package failed=()
  for package in "${missing[@]}"; do
    apt install --no-install-recommends "$package" || failed+=("$package")
  done
  ((${#failed[@]} == 0)) || fail "could not install ${failed[*]}; what apt-get said is above"
}

# Lists that are older than the archive name files it no longer has: then once more with new ones.
apt install --no-install-recommends "${missing[@]}" ||
  { update && apt install --no-install-recommends "${missing[@]}"; } ||
  install_each
echo "packages: done"
