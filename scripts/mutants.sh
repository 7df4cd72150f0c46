#!/bin/sh
# Changes the program in one place at a time and sees whether its tests notice (cargo-mutants):
# the rules, the intervals and the bounds, each with the tests that are meant to guard them.
# What survives is tried once more with the slower tests.
#
# usage: scripts/mutants.sh [k/n] [room...]   part k of n of all mutants (0/1 is all of them)
set -eu
cd "$(dirname "$0")/.."
part=${1:-0/1}
[ $# -gt 0 ] && shift
out=${MUTANTS_OUT:-target/mutants-report}
# Every job has its own copy of the project; --in-place has none, and is quick in a spare clone.
how=${MUTANTS_ARGS:---jobs 2}

# Names of tests as arguments that cargo gets when it builds and when it runs.
tests() {
	for name in "$@"; do printf -- '-C=--test=%s ' "$name"; done
}

# mutate DIR ARGUMENT... -- what the test programs get
mutate() {
	dir=$1
	shift
	# 2: some survived, 3: some ran out of time; both are in the tables.
	cargo mutants --profile mutants --baseline skip --no-shuffle --colors never $how \
		--timeout 300 --build-timeout 900 --output "$dir" -C=--locked "$@" || [ $? -le 3 ]
}

# A survivor's name as a pattern that fits nothing else.
pattern() {
	printf '%s' "$1" | sed 's/[][\.*+?^${}()|\/]/\\&/g'
}

room() {
	name=$1 files=$2 quick=$3 slow=$4
	shift 4
	rm -rf "$out/$name" "$out/$name-slow"
	mkdir -p "$out/$name" "$out/$name-slow"
	mutate "$out/$name" --shard "$part" --sharding round-robin --file "$files" -C=--lib $quick -- -- "$@"
	survivors=$out/$name/mutants.out/missed.txt
	[ -s "$survivors" ] || return 0
	cp "$survivors" "$out/$name-slow/again.txt"
	set --
	while IFS= read -r line; do
		set -- "$@" --re "^$(pattern "$line")\$"
	done <"$out/$name-slow/again.txt"
	mutate "$out/$name-slow" --file "$files" "$@" $slow
}

gauge() {
	room gauge 'src/gauge/**' "$(tests derived_rules rules_hold all_shapes optimizers rotations)" \
		"$(tests mutations claims equivalence hunt)" --skip bound:: --skip arith::
}
intervals() {
	room intervals 'src/arith/interval/**' "$(tests intervals itf1788)" \
		"$(tests soundness hunt)" --skip bound:: --skip gauge::
}
bound() {
	room bound 'src/bound/**' '' "$(tests bounds hunt)" --skip arith:: --skip gauge::
}

for name in ${*:-gauge intervals bound}; do "$name"; done

caught=0 missed=0
for name in gauge intervals bound; do
	for again in "" -slow; do
		found=$out/$name$again/mutants.out
		[ -f "$found/caught.txt" ] || continue
		caught=$((caught + $(cat "$found/caught.txt" "$found/timeout.txt" | wc -l)))
	done
	for found in "$out/$name-slow" "$out/$name"; do
		[ -f "$found/mutants.out/missed.txt" ] || continue
		missed=$((missed + $(wc -l <"$found/mutants.out/missed.txt")))
		cat "$found/mutants.out/missed.txt"
		break
	done
done
echo "caught $caught of $((caught + missed)) mutants"
