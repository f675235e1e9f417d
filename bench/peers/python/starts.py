"""starts.py JSON: how long a process takes from start() to its first message, by start method."""
import multiprocessing as mp
import os
import statistics
import time

from common import answer, parameters, private_megabytes


def greet(connection):
    connection.send(os.getpid())
    connection.recv()


def start(context):
    ours, theirs = context.Pipe()
    child = context.Process(target=greet, args=(theirs,), daemon=True)
    child.start()
    theirs.close()
    return ours, child


def end(started):
    connection, child = started
    connection.send(None)
    child.join()
    connection.close()


def first(context):
    started = time.perf_counter()
    start(context)[0].recv()
    return (time.perf_counter() - started) * 1000


def warm(context, milliseconds):
    first(context)
    times = []
    deadline = time.perf_counter() + milliseconds * 4 / 1000
    while len(times) < 50:
        before = time.perf_counter()
        started = start(context)
        started[0].recv()
        times.append((time.perf_counter() - before) * 1000)
        end(started)
        if time.perf_counter() > deadline:
            break
    return statistics.median(times)


def big(context, megabytes, milliseconds):
    heap = bytearray(b"x") * (megabytes << 20)
    time_of_one = warm(context, milliseconds)
    assert heap
    return time_of_one


def many(context, count):
    first(context)
    before = time.perf_counter()
    started = [start(context) for _ in range(count)]
    for connection, _ in started:
        connection.recv()
    passed = (time.perf_counter() - before) * 1000
    for each in started:
        end(each)
    return passed


def memory(context):
    first(context)
    connection, child = start(context)
    connection.recv()
    time.sleep(0.2)
    return private_megabytes(child.pid)


def main(method, case, cpus, milliseconds=0, count=0, megabytes=0):
    context = mp.get_context(method)
    cases = {
        "first": lambda: first(context),
        "warm": lambda: warm(context, milliseconds),
        "big": lambda: big(context, megabytes, milliseconds),
        "many": lambda: many(context, count),
        "memory": lambda: memory(context),
    }
    answer(cases[case]())


if __name__ == "__main__":
    main(**parameters())
