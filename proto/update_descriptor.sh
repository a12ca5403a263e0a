#!/usr/bin/env bash
# Stores the contract as it is now in proto/handshake_v1.binpb, which the compatibility test holds
# later versions to. Refuses if the stored contract would be broken; --break does it all the same,
# which is for contracts that were never released.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
readonly STORED=handshake_v1.binpb

case ${1:-} in
  --break) ;;
  "")
    if [[ -e $STORED ]]; then
      /usr/bin/python3 -B ../tests/proto/contract.py compare $STORED . || {
        echo "update_descriptor: that breaks the contract with peers; nothing was stored" >&2
        exit 1
      }
    fi
    ;;
  *) echo "usage: proto/update_descriptor.sh [--break]" >&2 && exit 2 ;;
esac
protoc -I. --include_imports --descriptor_set_out=$STORED handshake/v1/*.proto
echo "update_descriptor: stored proto/$STORED"
