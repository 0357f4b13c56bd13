#!/usr/bin/env bash
# Merges the inputs that run.sh found into the corpus, and reduces the corpus: merge.sh [TARGET…].
set -euo pipefail
cd "$(dirname "$0")"
. ./build.sh

# libFuzzer counts each edge once, however often the program takes it.
options=(-use_counters=0 -max_len=8192 -verbosity=0)
[ $# -gt 0 ] || set -- targets/*.rs
for target; do
  target=$(basename "$target" .rs)
  "$built/examples/seeds" unpack "$target"
  folder=unpacked/$target
  rm -rf "$folder"/{candidates,shortest,merged}
  mkdir -p "found/$target" "$folder"/{candidates,shortest}
  # Leave out long inputs, because the corpus is part of the repository.
  find "found/$target" "$folder/kept" -type f -size -501c -exec cp {} "$folder/candidates" \;
  # Take the shortest inputs first, then drop those whose edges other inputs reach.
  "$built/$target" -merge=1 "${options[@]}" "$folder"/{shortest,candidates}
  cp -r "$folder/given" "$folder/merged"
  "$built/$target" -set_cover_merge=1 "${options[@]}" "$folder"/{merged,shortest}
  "$built/examples/seeds" pack "$target"
done
