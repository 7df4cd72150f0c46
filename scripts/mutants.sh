#!/bin/sh
# Changes the program in one place at a time and sees whether its tests notice (cargo-mutants and
# cargo-nextest, which stops at the first test that fails): the rules, the intervals, the bounds and
# the search, each with the tests that are meant to guard them, the quick ones first. What survives
# some tests is tried with the next.
#
# The quick tests of a room need the rooms below it and nothing else, so they run in a copy of the
# project without the others, which is built several times as fast. The copy is of what git knows.
#
# usage: scripts/mutants.sh [k/n] [room...]   part k of n of all mutants (0/1 is all of them)
set -eu
cd "$(dirname "$0")/.."
part=${1:-0/1}
[ $# -gt 0 ] && shift
out=${MUTANTS_OUT:-$PWD/target/mutants-report}
# Every job has its own copy of the project; --in-place has none, and is quick in a spare clone.
how=${MUTANTS_ARGS:---jobs 2}

# mutate DIR TESTS ARGUMENT...
mutate() {
	dir=$1 tests=$2
	shift 2
	for word in $tests; do set -- "$@" "--cargo-arg=$word"; done
	# 2: some survived, 3: some ran out of time; both are in the tables.
	cargo mutants --test-tool nextest --profile mutants --baseline skip --no-shuffle --colors never \
		$how --timeout 240 --build-timeout 900 --output "$dir" -C=--locked "$@" || [ $? -le 3 ]
}

# A survivor's name as a pattern that fits nothing else.
pattern() {
	printf '%s' "$1" | sed 's/[][\.*+?^${}()|\/]/\\&/g'
}

# without COPY ROOMS -- a copy of the project without these rooms and the program that needs them
without() {
	copy=$1 rooms_above=$2
	git checkout-index --all --prefix="$copy/"
	rm "$copy/src/main.rs"
	for above in $rooms_above; do
		rm -r "$copy/src/$above"
		sed -i "/^pub mod $above;\$/d" "$copy/src/lib.rs"
	done
}

# room NAME FILES ABOVE TESTS... -- each TESTS only for what survived those before
room() {
	name=$1 files=$2 above=$3
	shift 3
	rm -rf "${out:?}/$name"
	mkdir -p "$out/$name"
	tier=0
	for tests in "$@"; do
		tier=$((tier + 1))
		dir=$out/$name/$tier
		survivors=$out/$name/survivors.txt
		if [ $tier -eq 1 ]; then
			copy=$(mktemp -d)
			without "$copy" "$above"
			mutate "$dir" "$tests" --dir "$copy" --shard "$part" --sharding round-robin \
				--file "$files"
			rm -r "$copy"
			cat "$dir/mutants.out/caught.txt" "$dir/mutants.out/timeout.txt" \
				"$dir/mutants.out/missed.txt" >"$out/$name/tried.txt"
		elif [ -s "$survivors" ]; then
			again "$dir" "$tests" "$files" "$survivors"
		else
			return 0
		fi
		sort "$dir/mutants.out/missed.txt" >"$out/$name/missed.txt"
		if [ $tier -gt 1 ]; then
			# Slow tests may run out of time by themselves, and that is no catch.
			sort "$dir/mutants.out/missed.txt" "$dir/mutants.out/timeout.txt" >"$out/$name/missed.txt"
			# Deleted fields are tried again whatever the pattern.
			comm -12 "$survivors" "$out/$name/missed.txt" >"$out/$name/both.txt"
			mv "$out/$name/both.txt" "$out/$name/missed.txt"
		fi
		mv "$out/$name/missed.txt" "$survivors"
	done
}

# again DIR TESTS FILES SURVIVORS
again() {
	dir=$1 tests=$2 files=$3 survivors=$4
	set --
	while IFS= read -r line; do
		set -- "$@" --re "^$(pattern "$line")\$"
	done <"$survivors"
	mutate "$dir" "$tests" --file "$files" "$@"
}

# Modules of the everyday tests as arguments of cargo.
suite() {
	printf -- '--test=suite'
	for name in "$@"; do printf ' -E=test(/^%s::/)' "$name"; done
}

top="audit cli report search"

gauge() {
	room gauge 'src/gauge/**' "$top bound exec scenario" \
		'--lib -E=test(/^gauge::/)' \
		"$(suite derived_rules rules_hold all_shapes optimizers rotations)" \
		"$(suite mutations claims equivalence hunt)"
}
# The second tests are of the build without MPFR, which has some arithmetic of its own.
intervals() {
	room intervals 'src/arith/interval/**' "$top bound exec gauge graph scenario zoo" \
		'--lib -E=test(/^arith::/)' \
		'--lib --no-default-features -E=test(/^arith::/)' \
		"$(suite intervals itf1788)" \
		"$(suite soundness hunt)"
}
bound() {
	room bound 'src/bound/**' "$top" \
		'--lib -E=test(/^bound::/)' \
		"$(suite bounds hunt)"
}
search() {
	room search 'src/search/**' 'audit cli report' \
		'--lib -E=test(/^search::/)' \
		"$(suite hunt mutations)" \
		"$(suite cli::search cli::replay verdicts)"
}

rooms=${*:-gauge intervals bound search}
for name in $rooms; do "$name"; done

tried=0 survived=0
for name in $rooms; do
	cat "$out/$name/survivors.txt"
	tried=$((tried + $(wc -l <"$out/$name/tried.txt")))
	survived=$((survived + $(wc -l <"$out/$name/survivors.txt")))
done
echo "caught $((tried - survived)) of $tried mutants"
