#!/bin/bash
# Runs dask_search.py on a Dask scheduler and four worker processes, which it starts on loopback.
# One worker is killed together with its search, as when a machine is lost; another one alone, so
# that its search lives on. The merged result must have the bytes of the campaign in one piece.
#
#   bash examples/cluster/test_dask.sh
#
# Dask comes from PyPI, in the versions of requirements.txt, into target/dask.
# Variables: CASES, SEED, LORA_GAUGE (target/release/lora-gauge); KEEP=1 keeps the temporary folder.
# Exit status: 0 passed; 1 failed; 69 something is missing.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/test_common.sh"

for program in python3 pgrep ps; do
    command -v "$program" >/dev/null || missing "$program"
done
dask=$root/target/dask
[ -x "$dask/bin/pip" ] || python3 -m venv "$dask" || missing "Python's venv"
"$dask/bin/pip" install -q --disable-pip-version-check -r "$here/requirements.txt" ||
    missing "what requirements.txt asks for"

processes=()

# With SIGKILL, because a worker that is asked to end while its scheduler does may wait for it.
# Searches outlive their workers.
clean_up() {
    status=$?
    trap - EXIT
    for process in "${processes[@]}" $(pgrep -f -- "--out $campaign/shard-"); do
        kill -KILL "$process" 2>/dev/null || true
    done
    wait 2>/dev/null || true
    remove_work
    exit "$status"
}
trap clean_up EXIT

whole

# --- A cluster of four workers --------------------------------------------------------------------

"$dask/bin/dask" scheduler --host 127.0.0.1 --port 0 --no-dashboard \
    --scheduler-file "$work/scheduler.json" >"$work/scheduler.log" 2>&1 &
processes+=($!)
for worker in 0 1 2 3; do
    "$dask/bin/dask" worker --scheduler-file "$work/scheduler.json" --host 127.0.0.1 \
        --nthreads 1 --no-nanny --no-dashboard --local-directory "$work/worker-$worker" \
        >"$work/worker-$worker.log" 2>&1 &
    processes+=($!)
done
wait_until 60 "the scheduler" test -s "$work/scheduler.json"
address=$(sed -n 's/.*"address": "\([^"]*\)".*/\1/p' "$work/scheduler.json" | head -n 1)
say "$("$dask/bin/dask" --version): scheduler at $address, workers with process ids ${processes[*]:1}"

# --- The campaign ---------------------------------------------------------------------------------

search() {
    "$dask/bin/python" "$here/dask_search.py" --lora-gauge "$LORA_GAUGE" --cases "$CASES" \
        --seed "$SEED" --shards 8 --out "$campaign" "$@"
}
began=$SECONDS
search --scheduler "$address" >"$work/merged.txt" 2>"$work/search.log" &
search=$!
processes+=("$search")

searching() { pgrep -f -- "--out $campaign/shard-$1 "; }
worker_of() { ps -o ppid= -p "$(searching "$1")" | tr -d ' '; }

# Bash would announce the death of its child.
reap() { wait "$1" 2>/dev/null || true; }

wait_until 300 "shard 1 to be in the middle" begun 1
program=$(searching 1) || too_early "shard 1"
worker=$(worker_of 1)
kill -KILL "$worker" "$program" || too_early "shard 1"
reap "$worker"
keep_journal 1
say "worker $worker and its search of shard 1 are killed"

wait_until 300 "shard 6 to be in the middle" begun 6
program=$(searching 6) || too_early "shard 6"
worker=$(worker_of 6)
kill -KILL "$worker" || too_early "shard 6"
reap "$worker"
sleep 1
kill -0 "$program" || too_early "shard 6"
say "worker $worker is killed, its search of shard 6 lives on"

merge_status=0
wait "$search" || merge_status=$?
say "everything ended after $((SECONDS - began)) s"
cat "$work/search.log"
check_journal 1
compare "$merge_status" "$work/merged.txt"

# On workers that the script starts by itself, it finds everything done.
say "once more, with two workers on this machine"
merge_status=0
search --workers 2 >"$work/merged.txt" 2>"$work/search.log" || merge_status=$?
compare "$merge_status" "$work/merged.txt"
say "passed"
