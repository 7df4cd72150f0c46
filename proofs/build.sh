#!/usr/bin/env bash
# Compiles the proofs from clean and writes down what was proved.
#
#   proofs/build.sh [BUILD [SOURCE]]
#
# BUILD   folder for everything that is made (default: _build beside this script)
# SOURCE  folder with _CoqProject, theorems.toml, allowed-axioms.txt and the sources
#         (default: the folder of this script)
#
# BUILD/record.json holds the sources' digests, their definitions and, for each theorem of
# the index, its statement, the definitions it uses and its assumptions, all as Coq prints
# them; the same sources give the same bytes. The words of a theorem must have been written
# for that statement and those definitions: theorems.toml gives their digest beside the
# words, and the version of Coq whose printing it is of; another version is not compared.
# LORA_GAUGE_PROOF_TIMEOUT is the limit for one file in seconds (default 300).
# Exit status: 0 all proved, 1 something is wrong and said on stderr, 69 no Coq here.
set -euo pipefail
export LC_ALL=C

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source_dir=$(cd "${2:-$here}" && pwd)
build=${1:-$here/_build}
limit=${LORA_GAUGE_PROOF_TIMEOUT:-300}

fail() { printf '%s\n' "$*" >&2; exit 1; }

if ! command -v coqc >/dev/null 2>&1; then
  cat >&2 <<'MESSAGE'
proofs: coqc is not installed. On Debian or Ubuntu:
  apt-get install coq libcoq-mathcomp-algebra libcoq-mathcomp-algebra-tactics libcoq-flocq
MESSAGE
  exit 69
fi

# of a file, or of what comes in
digest() {
  if command -v sha256sum >/dev/null 2>&1; then sha256sum "$@"; else shasum -a 256 "$@"; fi |
    awk '{ print $1 }'
}

# --- what is to be built ------------------------------------------------------------------

root=$(awk '$1 == "-R" { print $3 }' "$source_dir/_CoqProject")
[ -n "$root" ] || fail "_CoqProject: no line '-R . NAME'"
mapfile -t files < <(awk '/^[^-].*\.v$/ { print $1 }' "$source_dir/_CoqProject")
mapfile -t coq_args < <(awk '{ for (i = 1; i < NF; i++) if ($i == "-arg") print $(i + 1) }' "$source_dir/_CoqProject")
[ ${#files[@]} -gt 0 ] || fail "_CoqProject: no sources"

# one line a theorem: file, full name, digest of the statement that its words are about
index=$(awk '
  function value(line) { sub(/^[^"]*"/, "", line); sub(/".*$/, "", line); return line }
  function flush() { if (name != "") print file, name, (sum == "" ? "-" : sum); name = file = sum = "" }
  /^\[\[theorem\]\]/ { flush() }
  /^name *=/ { name = value($0) }
  /^file *=/ { file = value($0) }
  /^statement_sha256 *=/ { sum = value($0) }
  END { flush() }' "$source_dir/theorems.toml")
printed_by=$(awk '/^\[\[/ { exit } /^prover *=/ { sub(/^[^"]*"/, ""); sub(/".*$/, ""); print }' "$source_dir/theorems.toml")
[ -n "$printed_by" ] || fail "theorems.toml: no line 'prover = \"Coq ...\"' before the first theorem"
prover="Coq $(coqc --print-version | awk '{ print $1 }')"

# --- a clean folder, never one that holds anything else -------------------------------------

marker=$build/.lora-gauge-proofs
if [ -e "$build" ] && [ ! -e "$marker" ] && [ -n "$(ls -A "$build")" ]; then
  fail "$build: is neither empty nor an earlier build; not touched"
fi
rm -rf "$build"
mkdir -p "$build"
build=$(cd "$build" && pwd)
: >"$build/.lora-gauge-proofs"
for file in "${files[@]}"; do
  [ -f "$source_dir/$file" ] || fail "_CoqProject: $file is missing"
  mkdir -p "$build/$(dirname "$file")"
  cp "$source_dir/$file" "$build/$file"
done
cd "$build"

# --- nothing may be taken for granted in the text -------------------------------------------

# Comments and strings are blanked out, lines kept. Assumptions that belong to a section
# become hypotheses of its theorems; outside of one they would be axioms.
scan='
  function blank(line,   out, i, two, one) {
    out = ""
    for (i = 1; i <= length(line); i++) {
      one = substr(line, i, 1); two = substr(line, i, 2)
      if (string) { if (one == "\"") string = 0; out = out " " }
      else if (one == "\"") { string = 1; out = out " " }
      else if (two == "(*") { depth++; i++; out = out "  " }
      else if (depth && two == "*)") { depth--; i++; out = out "  " }
      else out = out (depth ? " " : one)
    }
    return out
  }
  BEGIN {
    n = split("Admitted admit give_up Axiom Axioms Parameter Parameters Conjecture Conjectures Abort bypass_check", list, " ")
    for (i = 1; i <= n; i++) banned[list[i]] = 1
    n = split("Definition Fixpoint Record Inductive", list, " ")
    for (i = 1; i <= n; i++) defines[list[i]] = 1
    n = split("Hypothesis Hypotheses Variable Variables Context", list, " ")
    for (i = 1; i <= n; i++) local_only[list[i]] = 1
  }
  {
    line = blank($0)
    gsub(/[^A-Za-z0-9_\047]/, " ", line)
    n = split(line, word, " ")
    for (i = 1; i <= n; i++) {
      w = word[i]
      if (w == "Section") sections++
      else if (w == "End") sections--
      else if (w in banned) { print FILENAME ":" FNR ": " w; bad = 1 }
      else if ((w in local_only) && sections < 1) { print FILENAME ":" FNR ": " w " outside a section"; bad = 1 }
      else if (w == "Theorem") print FILENAME ":" FNR ": " w " " word[i + 1] > theorems
      else if ((w in defines) && i < n) print FILENAME, word[i + 1] > definitions
    }
  }
  END { exit bad }'
: >theorems-found
: >definitions-found
for file in "${files[@]}"; do
  if ! found=$(awk -v theorems=theorems-new -v definitions=definitions-new "$scan" "$file"); then
    fail "an unproved statement in the sources:
$found"
  fi
  [ -f theorems-new ] && cat theorems-new >>theorems-found && rm theorems-new
  [ -f definitions-new ] && cat definitions-new >>definitions-found && rm definitions-new
done

# the index and the sources name the same theorems
qualified() { local path=${1%.v}; printf '%s.%s' "$root" "${path//\//.}"; }
listed=" $(printf '%s\n' "$index" | awk '{ print $2 }' | tr '\n' ' ')"
known=" "
while read -r place _ name; do
  full=$(qualified "${place%%:*}").$name
  known="$known$full "
  case $listed in *" $full "*) ;; *) fail "${place%:}: theorem $full is not in theorems.toml" ;; esac
done <theorems-found
while read -r file name _; do
  [ -n "$file" ] || continue
  case $known in *" $name "*) ;; *) fail "theorems.toml: $name is no theorem of the sources" ;; esac
  [ "${name%.*}" = "$(qualified "$file")" ] || fail "theorems.toml: $name is not in $file"
done <<<"$index"

# --- compile --------------------------------------------------------------------------------

coq() {
  local status=0
  timeout "$limit" coqc -q -R . "$root" ${coq_args[@]+"${coq_args[@]}"} "$1" >coq.log 2>&1 || status=$?
  if [ $status -eq 124 ]; then fail "$1: stopped after $limit s"; fi
  if [ $status -ne 0 ]; then
    sed 's/^File "\.\//File "/' coq.log >&2
    fail "$1: does not compile"
  fi
}
for file in "${files[@]}"; do
  start=$SECONDS
  coq "$file"
  printf '%-32s %3d s\n' "$file" $((SECONDS - start))
done

# --- ask Coq what was proved, on which assumptions ---------------------------------------------

# Statements are printed with the notations of the file they come from; assumptions with
# nothing imported, so that their names are always spelled in full.
number=0
for file in "${files[@]}"; do
  module=$(qualified "$file")
  {
    awk '/^Section / { exit } /^(From|Require|Import|Open Scope|Local Open Scope) / { print }' "$file"
    echo "Require Import $module."
    echo "Unset Printing Implicit Defensive. Set Printing Width 100. Set Printing Depth 1000000."
    while read -r of name _; do
      [ "$of" = "$file" ] && echo "Redirect \"statement.$name\" Check @$name."
    done <<<"$index"
    while read -r of name; do
      [ "$of" = "$file" ] && echo "Redirect \"definition.$module.$name\" Print $module.$name."
    done <definitions-found
    :
  } >statements_$number.v
  {
    echo "Require $module."
    while read -r of name _; do
      [ "$of" = "$file" ] && echo "Redirect \"assumptions.$name\" Print Assumptions $name."
    done <<<"$index"
    :
  } >assumptions_$number.v
  if grep -q Redirect statements_$number.v; then
    coq statements_$number.v
    coq assumptions_$number.v
  fi
  number=$((number + 1))
done

one_line() {
  tr -s ' \n\t' '   ' | sed 's/^ *//; s/ *$//'
  echo
}

while read -r file name; do
  module=$(qualified "$file")
  awk '/^Arguments / { exit } { print }' "definition.$module.$name.out" | one_line >"text.$module.$name"
  printf '%s %s %s %s\n' "$file" "$module.$name" "$name" "$(cat "text.$module.$name")"
done <definitions-found >definitions-printed

# what a file sees: its own definitions and those of the files that it requires
for file in "${files[@]}"; do
  while read -r of rest; do
    module=$(printf '%s' "${of%.v}" | tr / .)
    if [ "$of" = "$file" ] || grep -q "^From $root Require .*[ .]$module[ .]" "$file"; then
      printf '%s\n' "$rest"
    fi
  done <definitions-printed >"visible.$(qualified "$file")"
done

# A definition belongs to a statement if its name stands there or in another definition that
# does.
uses() { # name of the theorem
  {
    cat "text.$1"
    cat "visible.${1%.*}"
  } | awk '
    function tokens(line, into,   word, n, i) {
      gsub(/[^A-Za-z0-9_\047]/, " ", line)
      n = split(line, word, " ")
      for (i = 1; i <= n; i++) into[word[i]] = 1
    }
    NR == 1 { tokens($0, seen); next }
    { full[++count] = $1; short[count] = $2; $1 = ""; $2 = ""; text[count] = $0 }
    END {
      do {
        more = 0
        for (i = 1; i <= count; i++)
          if ((short[i] in seen) && !used[i]) { used[i] = more = 1; tokens(text[i], seen) }
      } while (more)
      for (i = 1; i <= count; i++) if (used[i]) print full[i]
    }'
}

# the statements, each with what it rests on for its meaning; the words must be about them
: >reworded
while read -r file name sum; do
  [ -n "$file" ] || continue
  one_line <"statement.$name.out" | sed 's/^[^:]* : //' >"text.$name"
  uses "$name" >"uses.$name"
  now=$({
    cat "text.$name"
    while read -r used; do cat "text.$used"; done <"uses.$name"
  } | digest)
  [ "$sum" = "$now" ] && continue
  printf '%s\n  statement_sha256 = "%s"\n  %s\n' "$name" "$now" "$(cat "text.$name")" >>reworded
done <<<"$index"
if [ "$prover" != "$printed_by" ]; then
  printf 'words and statements not compared: theorems.toml has digests of %s, this is %s\n' "$printed_by" "$prover"
elif [ -s reworded ]; then
  fail "theorems.toml: words that were written for another statement, or whose definitions changed.
Read the words against the statement and its definitions, then put the new digest beside them.
$(cat reworded)"
fi

allowed=" $(sed 's/#.*//' "$source_dir/allowed-axioms.txt" | tr -s ' \n' '  ') "
escape() { sed 's/\\/\\\\/g; s/"/\\"/g'; }
entry() { # file, name
  local statement assumed=() list="" line uses=""
  statement=$(escape <"text.$2")
  while read -r line; do uses="$uses${uses:+, }\"$line\""; done <"uses.$2"
  while read -r line; do
    [ -n "$line" ] || continue
    case $allowed in *" $line "*) ;; *)
      fail "$1: theorem $2 rests on $line, which is not in allowed-axioms.txt" ;;
    esac
    assumed+=("$line")
  done < <(awk '/^Closed under the global context/ || /^Axioms:/ { next } /^[^ \t]/ { print $1 }' \
             "assumptions.$2.out" | sort -u)
  for line in ${assumed[@]+"${assumed[@]}"}; do
    list="$list${list:+, }\"$(printf '%s' "$line" | escape)\""
  done
  printf '    {\n      "name": "%s",\n      "file": "%s",\n      "statement": "%s",\n      "definitions": [%s],\n      "assumptions": [%s]\n    }' \
    "$2" "$1" "$statement" "$uses" "$list"
}

{
  printf '{\n  "schema": "lora-gauge/proofs/1",\n'
  printf '  "prover": "%s",\n' "$prover"
  printf '  "sources": ['
  comma=""
  for file in "${files[@]}"; do
    printf '%s\n    { "file": "%s", "sha256": "%s" }' "$comma" "$file" "$(digest "$file")"
    comma=,
  done
  printf '\n  ],\n  "definitions": ['
  comma=""
  while read -r file name; do
    [ -n "$file" ] || continue
    full=$(qualified "$file").$name
    printf '%s\n    { "name": "%s", "text": "%s" }' "$comma" "$full" "$(escape <"text.$full")"
    comma=,
  done <definitions-found
  printf '\n  ],\n  "theorems": ['
  comma=""
  while read -r file name _; do
    [ -n "$file" ] || continue
    printf '%s\n' "$comma"
    entry "$file" "$name"
    comma=,
  done <<<"$index"
  printf '\n  ]\n}\n'
} >record.json.part
mv record.json.part record.json
printf '%s theorems: %s\n' "$(printf '%s\n' "$index" | grep -c .)" "$build/record.json"
