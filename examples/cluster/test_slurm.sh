#!/bin/bash
# Runs slurm.sh under real Slurm daemons, which it starts by itself on loopback, without root,
# systemd or cgroups and beside any Slurm that this machine has: one task is killed with SIGKILL and
# requeued, one is requeued as it runs, and the merged result must have the bytes of the campaign in
# one piece.
#
#   bash examples/cluster/test_slurm.sh
#
# Variables: CASES, SEED, LORA_GAUGE (target/release/lora-gauge); KEEP=1 keeps the temporary folder.
# Exit status: 0 passed; 1 failed; 69 something is missing.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/test_common.sh"

PATH=$PATH:/usr/sbin:/sbin
for program in munged slurmctld slurmd sbatch scontrol; do
    command -v "$program" >/dev/null ||
        missing "$program; on Debian, as root: apt-get install slurmctld slurmd munge slurm-client"
done

# munge refuses a socket in a folder that others cannot enter.
chmod 755 "$work"
mkdir "$work/state" "$work/spool"
daemons=()

# Jobs first: they are no children of slurmd, and would outlive it.
clean_up() {
    status=$?
    trap - EXIT
    if [ "${#daemons[@]}" -eq 3 ]; then
        timeout 10 scancel --user="$(id -un)" 2>/dev/null || true
        for _ in $(seq 50); do
            [ -n "$(timeout 10 squeue -h 2>/dev/null)" ] || break
            sleep 0.2
        done
    fi
    for ((i = ${#daemons[@]} - 1; i >= 0; i--)); do
        kill "${daemons[i]}" 2>/dev/null || true
        wait "${daemons[i]}" 2>/dev/null || true
    done
    remove_work
    exit "$status"
}
trap clean_up EXIT

# daemon NAME COMMAND...: in the background; what it says goes to a log.
daemon() {
    log=$work/$1.log
    shift
    "$@" >"$log" 2>&1 &
    daemons+=($!)
}

show_logs() {
    for log in "$work"/munged.log "$work"/slurm*.log; do
        printf '== %s\n' "$log"
        tail -n 10 "$log"
    done
}

free_port() {
    port=$1
    while (: >"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
    echo "$port"
}

whole

# --- A cluster of one node ------------------------------------------------------------------------

host=$(hostname -s)
user=$(id -un)
export SLURM_CONF=$work/slurm.conf
# Four tasks run at once whatever the number of cores. A requeued job waits until the credentials of
# its last start have expired, by default two minutes.
cat >"$SLURM_CONF" <<CONF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$(free_port 26817)
SlurmdPort=$(free_port 27817)
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
AuthInfo=socket=$work/munge.socket,cred_expire=5
CredType=cred/munge
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobRequeue=1
KillWait=5
MinJobAge=86400
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
NodeName=node NodeHostname=$host NodeAddr=127.0.0.1 CPUs=4
PartitionName=all Nodes=node Default=YES
CONF
(umask 077 && head -c 128 /dev/urandom >"$work/munge.key")

daemon munged munged --foreground --key-file="$work/munge.key" --socket="$work/munge.socket" \
    --pid-file="$work/munged.pid" --seed-file="$work/munged.seed" --log-file="$work/munged.log"
wait_until 20 "munged" test -S "$work/munge.socket"
daemon slurmctld slurmctld -D
daemon slurmd slurmd -D -N node
idle() { [ "$(timeout 10 sinfo -h -o %T 2>/dev/null)" = idle ]; }
trap 'show_logs; clean_up' EXIT
wait_until 60 "the node of the cluster" idle
trap clean_up EXIT
say "munged, slurmctld and slurmd run ($(sinfo --version))"

# --- The campaign ---------------------------------------------------------------------------------

# As the head of slurm.sh has it.
cd "$work"
export OUT=$campaign
began=$SECONDS
job=$(sbatch --parsable "$here/slurm.sh")
merge=$(sbatch --parsable --dependency=afterany:"$job" --output="$work/merged.txt" \
    --error="$work/merge.log" --wrap "'$LORA_GAUGE' merge $OUT/shard-* --out $OUT/merged")
say "job $job is submitted: 8 tasks; job $merge merges them afterwards"

# field JOB NAME: of what Slurm says about it.
field() { timeout 10 scontrol show job "$1" | tr ' ' '\n' | sed -n "s/^$2=//p" | head -n 1; }
in_state() { [[ $(field "$1" JobState) =~ ^($2)$ ]]; }

# The first task loses its processes, as by the kernel's hand when memory runs out.
wait_until 300 "task 1 to be in the middle" begun 1
processes=$(timeout 10 scontrol listpids "$(field "${job}_1" JobId)" |
    awk 'NR > 1 && $1 > 0 { print $1 }') || too_early "task 1"
# shellcheck disable=SC2086 # one word for each process
kill -KILL $processes || too_early "task 1"
wait_until 60 "Slurm to notice the killed task" in_state "${job}_1" 'FAILED|COMPLETED'
in_state "${job}_1" FAILED || too_early "task 1"
keep_journal 1
scontrol requeue "${job}_1"
say "task 1 is killed, which Slurm calls failed, and requeued"

# Another one is requeued as it runs, as when a job of higher priority needs its place. Only four
# run at once, so it has not ended meanwhile.
wait_until 300 "task 6 to be in the middle" begun 6
in_state "${job}_6" RUNNING || too_early "task 6"
scontrol requeue "${job}_6"
wait_until 60 "Slurm to end task 6" in_state "${job}_6" PENDING
keep_journal 6
say "task 6 is requeued as it ran"

wait_until 900 "the merge" in_state "$merge" 'COMPLETED|FAILED|CANCELLED|TIMEOUT'
say "everything ended after $((SECONDS - began)) s"

for task in 0 1 2 3 4 5 6 7; do
    id=${job}_$task
    case $task in 1 | 6) restarts=1 ;; *) restarts=0 ;; esac
    say "task $task: $(field "$id" JobState), started again $(field "$id" Restarts) time(s)"
    in_state "$id" COMPLETED || fail "task $task did not complete: $(cat "lora-gauge-$job-$task.log")"
    [ "$(field "$id" Restarts)" = "$restarts" ] || fail "expected $restarts restart(s)"
done
check_journal 1
check_journal 6
merge_status=$(field "$merge" ExitCode)
cat "$work/merge.log" >&2
compare "${merge_status%%:*}" "$work/merged.txt"
say "passed"
