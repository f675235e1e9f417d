"""What the Python peers share: where processes run, how long they are measured, and how they answer."""
import json
import multiprocessing as mp
import os
import sys
import time


def parameters():
    return json.loads(sys.argv[1])


def answer(value):
    print(json.dumps(value), flush=True)


def pin(cpus, which):
    if cpus:
        os.sched_setaffinity(0, {cpus[min(which, len(cpus) - 1)]})


def time_of_one(job, milliseconds, first=8, most=2_000_000):
    """Milliseconds for one of many, with growing counts: all but the last warm up."""
    job(first)
    count = first
    while True:
        started = time.perf_counter()
        job(count)
        passed = (time.perf_counter() - started) * 1000
        if passed >= milliseconds or count >= most:
            return passed / count
        wanted = count * milliseconds * 1.2 / max(passed, 0.01)
        count = min(most, int(min(max(wanted, count * 2), count * 16)) + 1)


def private_megabytes(pid):
    with open(f"/proc/{pid}/smaps_rollup") as lines:
        return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024


fork = mp.get_context("fork")
