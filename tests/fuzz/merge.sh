#!/usr/bin/env bash
# Makes each kept corpus the least that reaches as much code as itself, seeds/ and found/: after run.sh.
set -euo pipefail
cd "$(dirname "$0")"
host=$(rustc -vV | sed -n 's/^host: //p')
for source in targets/*.rs; do
  target=$(basename -s .rs "$source")
  mkdir -p "seeds/$target" "found/$target" "corpus/$target"
  mv "corpus/$target" "corpus/$target.old"
  mkdir "corpus/$target"
  "${CARGO_TARGET_DIR:-target}/$host/debug/$target" -set_cover_merge=1 -use_counters=0 -max_len=1500 -verbosity=0 \
    "corpus/$target" "corpus/$target.old" "seeds/$target" "found/$target"
  rm -r "corpus/$target.old"
done
