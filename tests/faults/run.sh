#!/usr/bin/env bash
# Faults under load: `run.sh [--brief] [SCENARIO…]` prints a table, and fails if a reply was lost.
# Loopback only.
set -euo pipefail
cd "$(dirname "$0")/../.."
cargo build -q --release -p gatepost-proxy --bin gatepost --example faults
bin=$(cargo metadata --format-version 1 --no-deps | python3 -c 'import json,sys; print(json.load(sys.stdin)["target_directory"])')/release
exec "$bin/examples/faults" "$bin/gatepost" "$@"
