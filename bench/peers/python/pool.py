"""pool.py JSON: multiprocessing.Pool, started by fork."""
import os
import resource
import statistics
import time

from common import answer, fork, parameters, private_megabytes, time_of_one

WORKERS = 2
LARGE = bytes([1]) * (1 << 20)


def increment(x):
    return x + 1


def same(x):
    return x


def pid(_):
    return os.getpid()


def block(seconds):
    time.sleep(seconds)


def timed(act):
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def warm():
    pool = fork.Pool(WORKERS)
    for _ in range(20):
        pool.map(increment, range(8), 1)
    return pool


def at_once(task, count, seconds):
    pool = warm()
    function = {"increment": increment, "same": same}[task]

    def item(i):
        return i if task == "increment" else {"id": i, "name": f"item {i}", "values": [i, i + 1, i + 2]}

    items = [item(i) for i in range(count)]

    def together(some):
        def act():
            for result in [pool.apply_async(function, (each,)) for each in some]:
                result.get()

        return len(some) / timed(act)

    first = together(items[: count // 20])
    return together(items[: max(count // 20, int(first * seconds))])


def mapped(count, chunksize=None, verb="map"):
    pool = warm()
    if verb == "map":
        return count / timed(lambda: pool.map(increment, range(count), chunksize))
    return count / timed(lambda: [None for _ in pool.imap_unordered(increment, range(count), chunksize)])


def awaited(milliseconds, pause):
    pool = warm()
    times = []
    end = time.perf_counter() + milliseconds / 1000
    while time.perf_counter() < end or len(times) < 20:
        time.sleep(pause)
        times.append(timed(lambda: pool.apply(increment, (1,))))
    return statistics.median(times) * 1e6


def cold():
    return timed(lambda: fork.Pool(WORKERS).apply(increment, (1,))) * 1000


def second():
    warm()
    return cold()


def large(milliseconds):
    pool = warm()

    def job(count):
        for result in [pool.apply_async(len, (LARGE,)) for _ in range(count)]:
            result.get()

    return len(LARGE) / 1e3 / time_of_one(job, milliseconds, first=4, most=512)


def memory():
    pool = warm()
    pids = set(pool.map(pid, range(50), 1))
    time.sleep(0.3)
    return statistics.median(private_megabytes(each) for each in pids)


def pending(count):
    pool = warm()
    pool.map_async(block, [3] * WORKERS, 1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    results = [pool.apply_async(increment, (i,)) for i in range(count)]
    time.sleep(0.5)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    del results
    return (after - before) * 1024 / count


CASES = {
    "atOnce": at_once,
    "map": mapped,
    "hot": lambda milliseconds: awaited(milliseconds, 0),
    "idle": lambda milliseconds: awaited(milliseconds * 2, 0.005),
    "cold": cold,
    "second": second,
    "large": large,
    "memory": memory,
    "pending": pending,
}


def main(case, cpus, **rest):
    answer(CASES[case](**rest))
    os._exit(0)  # with tasks pending an ordinary exit would wait for them


if __name__ == "__main__":
    main(**parameters())
