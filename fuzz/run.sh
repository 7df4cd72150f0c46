#!/bin/sh
# Runs every fuzz target for a while, from a copy of the committed corpus.
set -eu

usage() {
    cat <<'EOT'
usage: sh fuzz/run.sh [SECONDS [TARGET...]]

Fuzzes every target, or the named ones, for SECONDS each (60 unless given), from a copy of the
committed corpus. An input that fails is kept in fuzz/artifacts/TARGET/.
Exit status: 0 nothing was found; 1 some target failed; 64 bad usage; 69 nightly Rust or
cargo-fuzz is missing.
EOT
}

seconds=${1:-60}
[ $# = 0 ] || shift
case $seconds in
-h | --help)
    usage
    exit 0
    ;;
'' | *[!0-9]* | 0)
    printf "fuzz: '%s' is no number of seconds\n" "$seconds" >&2
    usage >&2
    exit 64
    ;;
esac

missing() {
    printf 'fuzz: %s is missing; install it with\n    %s\n' "$1" "$2" >&2
    exit 69
}

command -v cargo >/dev/null || missing Rust 'the instructions of https://rustup.rs'
cargo +nightly --version >/dev/null 2>&1 ||
    missing 'nightly Rust' 'rustup toolchain install nightly --profile minimal'
cargo fuzz --version >/dev/null 2>&1 || missing cargo-fuzz 'cargo install cargo-fuzz --locked'

cd "$(dirname "$0")"
[ $# != 0 ] || set -- claims scenario definition witness golden intervals

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM
cp -R corpus "$scratch"

cargo +nightly fuzz build

failed=
for target in "$@"; do
    words=-dict=$PWD/words.dict
    # Its inputs are no text.
    [ "$target" != intervals ] || words=
    printf '\nfuzz: %s for %s s\n' "$target" "$seconds"
    # An input that takes 10 s or 2 GiB has found something too.
    cargo +nightly fuzz run "$target" "$scratch/corpus/$target" -- \
        -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2560 -malloc_limit_mb=2100 \
        -print_final_stats=1 ${words:+"$words"} || failed="$failed $target"
done

if [ -n "$failed" ]; then
    printf '\nfuzz: FOUND SOMETHING in:%s; see fuzz/artifacts/\n' "$failed" >&2
    exit 1
fi
printf '\nfuzz: nothing was found in: %s\n' "$*"
