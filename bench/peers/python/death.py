"""death.py JSON: a multiprocessing.Pool whose task kills its worker; prints how the task settled, once it has."""
import os
import resource
import signal
import sys
import threading
import time

from common import answer, fork, parameters


def leave_a_trace(file):
    with open(file, "a") as trace:
        trace.write(".")


def increment(x):
    return x + 1


def exit(file):
    leave_a_trace(file)
    sys.exit(3)


def sigkill(file):
    leave_a_trace(file)
    os.kill(os.getpid(), signal.SIGKILL)


def abort(file):
    leave_a_trace(file)
    os.abort()


def throwInTimer(file):
    leave_a_trace(file)

    def throw():
        raise RuntimeError("thrown in a timer")

    threading.Timer(0.01, throw).start()
    time.sleep(1)
    return "survived"


def stackOverflow(file):
    leave_a_trace(file)

    def deeper(n):
        return deeper(n + 1) + 1

    return deeper(0)


def outOfMemory(file):
    leave_a_trace(file)
    kept = []
    while True:
        kept.append(bytearray(1_000_000))


def limit_memory():
    resource.setrlimit(resource.RLIMIT_DATA, (256 << 20, 256 << 20))


def main(death, file):
    pool = fork.Pool(2, limit_memory)
    pool.apply(increment, (1,))
    started = time.perf_counter()
    try:
        outcome = {"state": "resolves", "value": pool.apply(globals()[death], (file,))}
    except BaseException as error:
        outcome = {"state": "rejects", "error": {"name": type(error).__name__, "message": str(error)}}
    outcome["milliseconds"] = (time.perf_counter() - started) * 1000
    time.sleep(0.3)
    answer(outcome)
    os._exit(0)


if __name__ == "__main__":
    main(**parameters())
