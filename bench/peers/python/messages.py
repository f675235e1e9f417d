"""messages.py JSON: throughput or round trip of Queue, SimpleQueue or Pipe between two processes."""
from common import answer, fork, parameters, pin, time_of_one

MESSAGES = {
    "small": bytes([1]) * 64,
    "object": {"id": 4711, "name": "item 4711", "values": [4711, 4712, 4713]},
    "large": bytes([1]) * (1 << 20),
}


def open_pair(transport):
    """Two pairs of (put, get), one for each direction."""
    if transport == "Pipe":
        ours, theirs = fork.Pipe()
        return (ours.send, theirs.recv), (theirs.send, ours.recv)
    kind = {"Queue": fork.Queue, "SimpleQueue": fork.SimpleQueue}[transport]
    there, back = kind(), kind()
    return (there.put, there.get), (back.put, back.get)


def other_side(cpus, get, put):
    pin(cpus, 1)
    while (message := get()) is not None:
        if isinstance(message, tuple):
            kind, count = message
            for _ in range(count):
                put(MESSAGES[kind])
        else:
            put(message)


def main(transport, case, kind, milliseconds, cpus):
    (send, their_get), (their_put, receive) = open_pair(transport)
    child = fork.Process(target=other_side, args=(cpus, their_get, their_put), daemon=True)
    child.start()
    pin(cpus, 0)
    message = MESSAGES[kind]

    def throughput(count):
        send((kind, count))
        for _ in range(count):
            receive()

    def round_trip(count):
        for _ in range(count):
            send(message)
            receive()

    one = time_of_one(throughput if case == "throughput" else round_trip, milliseconds)
    send(None)
    if case == "roundTrip":
        answer(one * 1000)
    else:
        answer(len(message) / 1e3 / one if kind == "large" else 1e3 / one)


if __name__ == "__main__":
    main(**parameters())
