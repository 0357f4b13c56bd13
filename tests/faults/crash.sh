#!/usr/bin/env bash
# Kills gatepost under load, and checks that no acknowledged event is lost:
# `crash.sh [--rounds N] [--seed N] [--power-loss]`. Without --rounds, 25 rounds with each sort of kill.
# CRASH_PROFILE=release runs optimized builds. Loopback only.
set -euo pipefail
cd "$(dirname "$0")/../.."
profile=${CRASH_PROFILE-dev}
cargo build -q --profile "$profile" -p gatepost-proxy -p gatepost-faults -p gatepost-faults-disk \
  --bin gatepost --bin crash --lib
[ "$profile" = dev ] && profile=debug
bin=$PWD/${CARGO_TARGET_DIR:-target}/$profile
case $* in
  *--rounds*) exec "$bin/crash" "$bin/gatepost" "$bin/libgatepost_faults_disk.so" "$@" ;;
esac
"$bin/crash" "$bin/gatepost" "$bin/libgatepost_faults_disk.so" "$@"
"$bin/crash" "$bin/gatepost" "$bin/libgatepost_faults_disk.so" --power-loss "$@"
