#!/usr/bin/env bash
# Kills gatepost under load, and checks that gatepost loses no acknowledged event:
# `crash.sh [--rounds N] [--seed N] [--power-loss]`. Without --rounds, runs 25 rounds, then 25 rounds
# with a power loss. CRASH_PROFILE=release runs optimized builds. Uses only the loopback network.
set -euo pipefail
cd "$(dirname "$0")/../.."
profile=${CRASH_PROFILE-dev}
# The example makes Cargo choose the features that the tests use, so that this build and the tests
# share their dependencies.
cargo build -q --profile "$profile" --workspace --all-features --lib --bin gatepost --bin crash --example axum
[ "$profile" = dev ] && profile=debug
bin=$PWD/${CARGO_TARGET_DIR:-target}/$profile
case $* in
  *--rounds*) exec "$bin/crash" "$bin/gatepost" "$bin/libgatepost_faults_disk.so" "$@" ;;
esac
"$bin/crash" "$bin/gatepost" "$bin/libgatepost_faults_disk.so" "$@"
"$bin/crash" "$bin/gatepost" "$bin/libgatepost_faults_disk.so" --power-loss "$@"
