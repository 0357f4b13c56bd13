#!/usr/bin/env bash
# Kills gateposts and NATS servers under load, suspends gateposts, and checks that the gateposts lose no
# acknowledged event: `cluster.sh [--rounds N] [--stops N] [--seed N]`. Without options, kills 50 times
# and suspends once. tests/peers/install installs the NATS server. CLUSTER_PROFILE=release runs
# optimized builds. Uses only the loopback network.
set -euo pipefail
cd "$(dirname "$0")/../.."
profile=${CLUSTER_PROFILE-dev}
# The example makes Cargo choose the features that the tests use, so that this build and the tests
# share their dependencies.
cargo build -q --profile "$profile" --workspace --all-features --lib --bin gatepost --bin cluster --example axum
[ "$profile" = dev ] && profile=debug
bin=$PWD/${CARGO_TARGET_DIR:-target}/$profile
exec "$bin/cluster" "$bin/gatepost" "$PWD/target/peers/python/bin/nats-server" "$@"
