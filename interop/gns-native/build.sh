#!/bin/sh
# Builds the native peer outside of the checkout and prints where it is. From nothing it needs
# Debian's clang libclang-dev cmake protobuf-compiler libprotobuf-dev libssl-dev pkg-config, and Rust.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/partyline/gns-native}"
cargo build --release --manifest-path "$here/Cargo.toml" 1>&2
echo "$CARGO_TARGET_DIR/release/gns-native"
