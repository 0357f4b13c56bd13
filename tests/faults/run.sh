#!/usr/bin/env bash
# Causes faults under load: `run.sh [--brief] [SCENARIO…]` prints a table, and fails after a
# failed check or a lost reply. Uses only the loopback network.
set -euo pipefail
cd "$(dirname "$0")/../.."
cargo build -q --release -p gatepost-proxy -p gatepost-faults --bin gatepost --bin faults
bin=${CARGO_TARGET_DIR:-target}/release
exec "$bin/faults" "$bin/gatepost" "$@"
