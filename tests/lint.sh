#!/usr/bin/env bash
# Usage: lint.sh BUILD_FOLDER: clang-tidy over every source that the compile_commands.json there
# names, generated ones excepted. Prints what it found; exit code 1 if there is anything.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
commands=$1/compile_commands.json
[[ -e $commands ]] || { echo "lint: $commands is missing; configure first" >&2 && exit 1; }

readarray -t sources < <(/usr/bin/python3 - "$commands" "$PWD" <<'PYTHON'
import json, os, sys
root = os.path.realpath(sys.argv[2])
for entry in json.load(open(sys.argv[1])):
    path = os.path.relpath(os.path.realpath(entry["file"]), root)
    if not path.startswith(("build", "..")):
        print(path)
PYTHON
)
printf '%s\0' "${sources[@]}" |
  xargs -0 -n 1 -P "$(nproc)" clang-tidy-19 -p "$1" --quiet --use-color=false
echo "lint: ${#sources[@]} files are clean"
