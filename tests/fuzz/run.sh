#!/usr/bin/env bash
# Builds every fuzz target and runs each: run.sh [SECONDS] [TARGET…]. Without a time, 10 s each.
set -euo pipefail
cd "$(dirname "$0")"
seconds=${1:-10}
shift || true

# Coverage as libFuzzer wants it, by options that the stable compiler has. No sanitizer: those are
# for unsafe code, of which gatepost has none. With --target, build scripts are left as they are.
host=$(rustc -vV | sed -n 's/^host: //p')
export RUSTFLAGS='--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
  -Cllvm-args=-sanitizer-coverage-trace-compares'
RUSTFLAGS=$(tr -s '\n ' ' ' <<<"$RUSTFLAGS") cargo build --locked --target "$host" --bins
built=${CARGO_TARGET_DIR:-target}/$host/debug

targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=($(basename -s .rs targets/*.rs))
for target in "${targets[@]}"; do
  printf '\n-- %s\n' "$target"
  mkdir -p "found/$target" "corpus/$target"
  dictionary=()
  [ ! -f "dictionaries/$target.dict" ] || dictionary=("-dict=dictionaries/$target.dict")
  # What is new goes to found/, so that a run leaves the kept corpus as it is.
  "$built/$target" "found/$target" "corpus/$target" "${dictionary[@]}" \
    -max_total_time="$seconds" -timeout=5 -rss_limit_mb=1024 -max_len=8192 \
    -artifact_prefix="found/$target-" -print_final_stats=1 -verbosity=0
done
