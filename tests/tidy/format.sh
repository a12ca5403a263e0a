#!/usr/bin/env bash
# Usage: format.sh ROOT [--fix]: are (or make) all C++ files as .clang-format says?
# The version is fixed, for others format differently.
set -euo pipefail
cd "$1"
mode=(--dry-run --Werror)
[[ ${2:-} != --fix ]] || mode=(-i)
command -v clang-format-19 >/dev/null || {
  echo "clang-format-19 is missing; run deploy/packages.sh test" >&2
  exit 1
}
find common server client control tests \( -name '*.h' -o -name '*.cc' \) -print0 |
  xargs -0 clang-format-19 "${mode[@]}"
