"""A campaign of `lora-gauge search` on Dask workers, one task for each shard, merged at the end.

All workers have to reach the folder given by --out. The shards keep their journals there, so what
a lost worker had done is not done again, and neither is what an ended run of this script had.
Options of `search` that are not known here (--optimizer, --property, ...) are passed on to it.
"""

import argparse
import fcntl
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from distributed import Client, LocalCluster, as_completed, get_worker

# 0, 1 and 2 say how a campaign came out; all else means that it did not run.
RESULTS = (0, 1, 2)


def run_shard(command: list[str], folder: Path) -> str:
    """Does a shard on a worker; returns the worker's address."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "dask.lock", "w") as lock:
        # A worker can be lost while the search that it started lives on. The search holds the
        # lock too, so whoever takes the shard over waits until it has ended.
        fcntl.flock(lock, fcntl.LOCK_EX)
        ended = subprocess.run(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            pass_fds=[lock.fileno()],
        )
    if ended.returncode not in RESULTS:
        raise RuntimeError(f"exit status {ended.returncode}: {ended.stderr.strip()}")
    return get_worker().address


def parse_arguments() -> tuple[argparse.Namespace, list[str]]:
    """Returns what is meant for this script, and the options meant for `search`."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--cases", type=int, default=20_000, help="cases in all (20000)")
    parser.add_argument("--seed", type=int, default=1, help="the seed (1)")
    parser.add_argument("--shards", type=int, default=8, help="number of shards (8)")
    parser.add_argument("--out", type=Path, default=Path("campaign"), help="folder (campaign)")
    parser.add_argument("--threads", type=int, default=1, help="threads of a shard (1)")
    parser.add_argument(
        "--retries", type=int, default=3, help="how often a shard that fails is tried again (3)"
    )
    parser.add_argument(
        "--lora-gauge", default="lora-gauge", metavar="PROGRAM", help="on every worker (lora-gauge)"
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask cluster that runs")
    where.add_argument(
        "--workers", type=int, help="else: worker processes on this machine (one for each core)"
    )
    return parser.parse_known_args()


def main() -> int:
    """Runs the campaign; returns the exit status of merging, or 70 where shards failed."""
    arguments, search_options = parse_arguments()
    out: Path = arguments.out.absolute()
    folders = [out / f"shard-{index}" for index in range(arguments.shards)]
    failures = 0
    with ExitStack() as stack:
        cluster = arguments.scheduler or stack.enter_context(
            LocalCluster(n_workers=arguments.workers, threads_per_worker=1, dashboard_address=None)
        )
        client = stack.enter_context(Client(cluster))
        shards = {}
        for index, folder in enumerate(folders):
            command = [arguments.lora_gauge, "search", *search_options]
            command += ["--cases", str(arguments.cases), "--seed", str(arguments.seed)]
            command += ["--shard", f"{index}/{arguments.shards}", "--out", str(folder)]
            command += ["--threads", str(arguments.threads)]
            # Not pure: a scheduler that has seen the same shard before has to run it all the same.
            future = client.submit(
                run_shard, command, folder, pure=False, retries=arguments.retries
            )
            shards[future] = index
        for future in as_completed(shards):
            shard = f"shard {shards[future]}/{arguments.shards}"
            if future.status == "finished":
                print(f"{shard}: done by {future.result()}", file=sys.stderr)
            else:
                print(f"{shard}: {future.exception()}", file=sys.stderr)
                failures += 1
    if failures:
        print(
            f"{failures} shards are not done; the same command goes on with them", file=sys.stderr
        )
        return 70
    merged = out / "merged"
    command = [arguments.lora_gauge, "merge", *map(str, folders), "--out", str(merged)]
    status = subprocess.run(command).returncode
    print(f"result in {merged}, shards in {out}/shard-*", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
