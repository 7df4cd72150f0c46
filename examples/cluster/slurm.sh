#!/bin/bash
#SBATCH --job-name=lora-gauge
#SBATCH --array=0-7
#SBATCH --cpus-per-task=1
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=lora-gauge-%A-%a.log
#
# A campaign of `lora-gauge search` as a Slurm job array: every task does one shard. Submit it, and
# a job that merges the shards once all of them have ended:
#
#   export OUT=/shared/campaign CASES=1000000
#   job=$(sbatch --parsable examples/cluster/slurm.sh)
#   sbatch --dependency=afterany:"$job" --wrap "lora-gauge merge $OUT/shard-* --out $OUT/merged"
#
# Variables, which sbatch passes on from the environment:
#   CASES       cases of the whole campaign (20000)
#   SEED        its seed (1)
#   SHARDS      number of shards (that of the tasks; with `--array=3`, to do one anew, say it)
#   OUT         folder that all nodes reach (campaign, where sbatch was called); the shards are in
#               its shard-0, shard-1, …
#   LORA_GAUGE  the program (lora-gauge, on the PATH)
# Options of sbatch go before the script (`sbatch --array=0-63 --time=12:00:00 …`), further ones of
# `search` after it (`slurm.sh --optimizer adamw`).
#
# A task that is requeued, by Slurm or with `scontrol requeue`, goes on where its journal ends, and
# so does a campaign that is submitted again with the same variables.
set -eu

status=0
"${LORA_GAUGE:-lora-gauge}" search \
    --cases "${CASES:-20000}" --seed "${SEED:-1}" \
    --shard "$SLURM_ARRAY_TASK_ID/${SHARDS:-$SLURM_ARRAY_TASK_COUNT}" \
    --out "${OUT:-campaign}/shard-$SLURM_ARRAY_TASK_ID" \
    --threads "${SLURM_CPUS_PER_TASK:-1}" "$@" || status=$?

# 1 (something fails) and 2 (too much is undecided) are results, which merging weighs as a whole:
# to Slurm, the task has done its work.
[ "$status" -le 2 ] || exit "$status"
