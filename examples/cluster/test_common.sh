# shellcheck shell=bash
# What the tests of this folder share; they read it with `.`, having set `here` to the folder.
#
# Both cut the same campaign into 8 shards, interrupt some of them, and compare what comes out
# in the end with the same campaign done in one piece.
set -eu

root=$(cd "${here:?}/../.." && pwd)
name=$(basename "$0" .sh)
export CASES=${CASES:-4000} SEED=${SEED:-1}
LORA_GAUGE=$(realpath -m "${LORA_GAUGE:-$root/target/release/lora-gauge}")
export LORA_GAUGE

work=$(mktemp -d)
campaign=$work/campaign

# A killed task counts as interrupted in the middle once its journal has so many lines.
ENOUGH_LINES=3

say() { printf '%s: %s\n' "$name" "$*"; }

fail() {
    say "FAILED: $*"
    exit 1
}

too_early() { fail "$1 ended before it could be interrupted; set CASES to more than $CASES"; }

remove_work() {
    if [ -n "${KEEP:-}" ]; then
        say "kept: $work"
    else
        rm -rf "$work"
    fi
}
# The tests have more to clean up and replace this.
trap remove_work EXIT
trap 'exit 1' INT TERM

# 69 is what scripts/setup.sh ends with, too, where something is missing.
missing() {
    say "missing: $*"
    exit 69
}

# wait_until SECONDS WHAT COMMAND...: until the command succeeds.
wait_until() {
    deadline=$((SECONDS + $1))
    what=$2
    shift 2
    until "$@"; do
        [ "$SECONDS" -lt "$deadline" ] || fail "waited in vain for $what"
        sleep 0.2
    done
}

lines() { wc -l 2>/dev/null <"$1" || echo 0; }

begun() { [ "$(lines "$campaign/shard-$1/journal.jsonl")" -ge "$ENOUGH_LINES" ]; }

# keep_journal SHARD: remembers what its journal holds right after it was interrupted, but for a
# last line that is torn; whatever goes on afterwards must leave this as it is.
keep_journal() {
    sed -n "1,$(lines "$campaign/shard-$1/journal.jsonl")p" \
        "$campaign/shard-$1/journal.jsonl" >"$work/interrupted-$1"
}

check_journal() {
    before=$(lines "$work/interrupted-$1")
    after=$(lines "$campaign/shard-$1/journal.jsonl")
    head -n "$before" "$campaign/shard-$1/journal.jsonl" | cmp -s - "$work/interrupted-$1" ||
        fail "shard $1 did not go on where it ended, but changed its journal"
    [ "$after" -gt "$before" ] || too_early "shard $1"
    say "shard $1 was interrupted after $((before - 1)) of $((after - 1)) chunks and went on from there"
}

whole() {
    [ -x "$LORA_GAUGE" ] ||
        missing "$LORA_GAUGE; build it with 'cargo build --release', or set LORA_GAUGE"
    say "the campaign in one piece, $CASES cases from seed $SEED"
    began=$SECONDS
    whole_status=0
    "$LORA_GAUGE" search --cases "$CASES" --seed "$SEED" --out "$work/whole" \
        >"$work/whole.txt" || whole_status=$?
    [ "$whole_status" -le 2 ] || fail "it ended with exit status $whole_status"
    say "took $((SECONDS - began)) s, exit status $whole_status"
}

# compare STATUS TABLE: what merging ended with and what it printed.
compare() {
    # Journals are per shard; everything else must be there and the same.
    diff -r --exclude=journal.jsonl "$work/whole" "$campaign/merged" ||
        fail "the merged result has not the bytes of the campaign in one piece"
    cmp "$work/whole.txt" "$2" || fail "merging prints another table than the campaign in one piece"
    [ "$1" = "$whole_status" ] ||
        fail "merging ends with exit status $1, the campaign in one piece with $whole_status"
    files=$(find "$campaign/merged" -type f | wc -l)
    say "merged: the same bytes in $files file(s) and the table, the same exit status"
    (cd "$campaign/merged" && sha256sum search.json)
}
