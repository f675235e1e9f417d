"""locks.py JSON: acquiring and releasing a lock of multiprocessing."""
import time

from common import answer, fork, parameters, time_of_one


def alone(milliseconds):
    lock = fork.Lock()

    def job(count):
        for _ in range(count):
            lock.acquire()
            lock.release()

    return time_of_one(job, milliseconds, most=100_000_000) * 1e6


def contend(lock, started, ended, rates):
    started.release()
    count = 0
    begun = time.perf_counter()
    while not ended.is_set():
        for _ in range(1000):
            lock.acquire()
            lock.release()
        count += 1000
    rates.put(count / (time.perf_counter() - begun))


def contended(milliseconds):
    """How often in a second, by two processes."""
    lock, started, ended, rates = fork.Lock(), fork.Semaphore(0), fork.Event(), fork.Queue()
    processes = [fork.Process(target=contend, args=(lock, started, ended, rates)) for _ in range(2)]
    for process in processes:
        process.start()
    for _ in processes:
        started.acquire()
    time.sleep(2 * milliseconds / 1000)
    ended.set()
    rate = sum(rates.get() for _ in processes)
    for process in processes:
        process.join()
    return rate


given = parameters()
answer({"alone": alone, "contended": contended}[given["name"]](given["milliseconds"]))
