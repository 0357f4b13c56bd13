# shellcheck shell=bash disable=SC2034
# Builds the fuzz targets, and sets `built` to the folder of the programs. run.sh and merge.sh source
# this file.

# Coverage for libFuzzer, by options of the stable compiler. There is no sanitizer, because gatepost
# has no unsafe code. With `--target`, cargo does not apply these options to build scripts.
host=$(rustc -vV | sed -n 's/^host: //p')
coverage='--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
  -Cllvm-args=-sanitizer-coverage-trace-compares'
RUSTFLAGS=$(tr -s '\n ' ' ' <<<"$coverage") \
  cargo build --locked --target "$host" --bins --example seeds
built=${CARGO_TARGET_DIR:-target}/$host/debug
