// Telling another process something: the floor of every round trip.
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"
#include "core/futex.h"

namespace {

using forkful::Deadline;

struct alignas(64) Word {
  std::atomic<uint32_t> value;
};

// Both words lie on lines of their own; each process spins on the one and writes the other.
double cache_line() {
  auto* words = static_cast<Word*>(shared_memory(sizeof(Word) * 2));
  uint32_t sent = 0;
  uint32_t seen = 0;
  return round_trip_ns(
      [&] {
        words[0].value.store(++sent, std::memory_order_release);
        while (words[1].value.load(std::memory_order_acquire) != sent) forkful::cpu_relax();
      },
      [&] {
        while (words[0].value.load(std::memory_order_acquire) == seen) forkful::cpu_relax();
        words[1].value.store(++seen, std::memory_order_release);
      });
}

void post(Word& word) {
  word.value.store(1, std::memory_order_release);
  forkful::futex_wake_all(word.value);
}

void wait(Word& word) {
  while (word.value.exchange(0, std::memory_order_acquire) == 0) {
    forkful::futex_wait(word.value, 0, Deadline::never());
  }
}

double futex() {
  auto* words = static_cast<Word*>(shared_memory(sizeof(Word) * 2));
  return round_trip_ns(
      [&] {
        post(words[0]);
        wait(words[1]);
      },
      [&] {
        wait(words[0]);
        post(words[1]);
      });
}

// As an event loop sees it: an edge-triggered eventfd that is never read.
struct Event {
  Event() : fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), loop(epoll_create1(EPOLL_CLOEXEC)) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;
    check(fd >= 0 && loop >= 0 && epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event) == 0, "eventfd and epoll");
  }
  void signal() const {
    const uint64_t one = 1;
    check(write(fd, &one, sizeof one) == sizeof one, "write");
  }
  void wait() const {
    epoll_event event;
    while (epoll_wait(loop, &event, 1, -1) != 1) continue;
  }
  int fd;
  int loop;
};

double event_loop() {
  const Event there;
  const Event back;
  return round_trip_ns(
      [&] {
        there.signal();
        back.wait();
      },
      [&] {
        there.wait();
        back.signal();
      });
}

double socket_pair() {
  int ends[2];
  check(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
  const auto send = [](int end) {
    char message[64] = {};
    check(write(end, message, sizeof message) == sizeof message, "write");
  };
  const auto receive = [](int end) {
    char message[64];
    check(read(end, message, sizeof message) == sizeof message, "read");
  };
  return round_trip_ns(
      [&] {
        send(ends[0]);
        receive(ends[0]);
      },
      [&] {
        receive(ends[1]);
        send(ends[1]);
      });
}

double pipes() {
  int there[2];
  int back[2];
  check(pipe(there) == 0 && pipe(back) == 0, "pipe");
  const auto pass = [](int in, int out, bool first) {
    char message[64] = {};
    if (first) check(write(out, message, sizeof message) == sizeof message, "write");
    check(read(in, message, sizeof message) == sizeof message, "read");
    if (!first) check(write(out, message, sizeof message) == sizeof message, "write");
  };
  return round_trip_ns([&] { pass(back[0], there[1], true); }, [&] { pass(there[0], back[1], false); });
}

double event_write() {
  const int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  const uint64_t one = 1;
  pin_first();
  return ns_each(1000, [&] { check(write(fd, &one, sizeof one) == sizeof one, "write"); });
}

}  // namespace

const Limit wake_limits[6] = {
    {"cache-line-round-trip", "ns", cache_line}, {"futex-round-trip", "ns", futex},
    {"eventfd-round-trip", "ns", event_loop},    {"pipe-round-trip", "ns", pipes},
    {"socket-round-trip", "ns", socket_pair},    {"eventfd-write", "ns", event_write},
};
