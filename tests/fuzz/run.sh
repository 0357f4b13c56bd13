#!/usr/bin/env bash
# Builds the fuzz targets, and runs each for 10 s or SECONDS: run.sh [SECONDS] [TARGET…].
set -euo pipefail
cd "$(dirname "$0")"
. ./build.sh
seconds=${1:-10}
shift || true

[ $# -gt 0 ] || set -- targets/*.rs
for target; do
  target=$(basename "$target" .rs)
  printf '\n-- %s\n' "$target"
  "$built/examples/seeds" unpack "$target"
  mkdir -p "found/$target"
  # libFuzzer writes new inputs to the first folder.
  "$built/$target" "found/$target" "unpacked/$target/given" "unpacked/$target/kept" \
    -dict="unpacked/$target.dict" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=1024 \
    -max_len=8192 -artifact_prefix="found/$target-" -print_final_stats=1 -verbosity=0
done
