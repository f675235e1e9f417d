// Messages through shared memory: a lock-free ring for one producer and one consumer, which nothing that survives a
// kill can reach, and the library's own ring without Node.
#include <unistd.h>

#include <cstring>
#include <vector>

#include "bench.h"
#include "core/futex.h"
#include "core/ring.h"
#include "core/shared_memory.h"

namespace {

using forkful::Deadline;
using forkful::Ring;
using forkful::Status;

constexpr uint32_t kMessage = 64;
constexpr uint64_t kBlock = 1024;

// Each side keeps a copy of the other's position and looks again only when the copy says that it must wait.
struct Spsc {
  static constexpr uint64_t kSlots = 4096;
  alignas(64) std::atomic<uint64_t> head;  // stored by the consumer
  alignas(64) std::atomic<uint64_t> tail;  // stored by the producer
  alignas(64) char slots[kSlots][kMessage];

  void put(const char* message, uint64_t& seen_head) {
    const uint64_t at = tail.load(std::memory_order_relaxed);
    while (at - seen_head == kSlots) seen_head = spin(head, seen_head);
    memcpy(slots[at % kSlots], message, kMessage);
    tail.store(at + 1, std::memory_order_release);
  }
  void get(char* into, uint64_t& seen_tail) {
    const uint64_t at = head.load(std::memory_order_relaxed);
    while (at == seen_tail) seen_tail = spin(tail, seen_tail);
    memcpy(into, slots[at % kSlots], kMessage);
    asm volatile("" : : "r"(into) : "memory");  // else the copy is optimized away
    head.store(at + 1, std::memory_order_release);
  }
  static uint64_t spin(const std::atomic<uint64_t>& word, uint64_t known) {
    const uint64_t now = word.load(std::memory_order_acquire);
    if (now == known) forkful::cpu_relax();
    return now;
  }
};

double spsc() {
  auto* ring = static_cast<Spsc*>(shared_memory(sizeof(Spsc)));
  char message[kMessage] = {1};
  uint64_t seen_tail = 0;
  uint64_t seen_head = 0;
  return taken_per_second(
      [&] {
        for (uint64_t i = 0; i < kBlock; i++) ring->get(message, seen_tail);
        return kBlock;
      },
      [&] { ring->put(message, seen_head); });
}

struct OwnRing {
  OwnRing() {
    Ring::Limits limits;
    limits.data_bytes = 1 << 22;
    limits.max_bytes = 1 << 20;
    const int fd = forkful::create_shared_memory("bench", Ring::region_bytes(limits.data_bytes));
    check(fd >= 0 && ring.create(fd, 0, limits) == 0, "the ring");
  }
  void put(uint32_t count) {
    static const std::vector<uint8_t> message(kMessage, 1);
    static const std::vector<Ring::Record> records(kBlock, Ring::Record{message.data(), kMessage, 1});
    for (uint32_t done; count > 0; count -= done) {
      check(ring.put(records.data(), count, &done, Deadline::never()) == Status::kOk, "put");
    }
  }
  uint32_t get(uint32_t most) {
    static std::vector<uint8_t> into(kBlock * kMessage);
    static std::vector<Ring::Taken> taken(kBlock);
    uint32_t count;
    check(ring.get(into.data(), into.size(), most, taken.data(), &count, Deadline::never()) == Status::kOk, "get");
    return count;
  }
  Ring ring;
};

double own_single() {
  pin_early();
  OwnRing own;
  return taken_per_second(
      [&] {
        for (uint64_t i = 0; i < kBlock; i++) own.get(1);
        return kBlock;
      },
      [&] { own.put(1); });
}

double own_batch() {
  pin_early();
  OwnRing own;
  return taken_per_second([&] { return uint64_t{own.get(64)}; }, [&] { own.put(64); });
}

double own_round_trip() {
  pin_early();
  OwnRing there;
  OwnRing back;
  return round_trip_ns(
      [&] {
        there.put(1);
        back.get(1);
      },
      [&] {
        there.get(1);
        back.put(1);
      });
}

// What a pool with one worker could do at most: as many tasks under way as a worker's ring keeps, and none computed.
double own_tasks() {
  pin_early();
  OwnRing tasks;
  OwnRing results;
  uint64_t under_way = 0;
  return taken_per_second(
      [&] {
        for (; under_way < 128; under_way++) tasks.put(1);
        const uint64_t done = results.get(64);
        under_way -= done;
        return done;
      },
      [&] { results.put(tasks.get(64)); });
}

double spsc_round_trip() {
  auto* rings = static_cast<Spsc*>(shared_memory(sizeof(Spsc) * 2));
  char message[kMessage] = {1};
  uint64_t ours[2] = {0, 0};
  uint64_t theirs[2] = {0, 0};
  return round_trip_ns(
      [&] {
        rings[0].put(message, ours[0]);
        rings[1].get(message, ours[1]);
      },
      [&] {
        rings[0].get(message, theirs[0]);
        rings[1].put(message, theirs[1]);
      });
}

}  // namespace

const Limit ring_limits[6] = {
    {"spsc-ring", "msg/s", spsc},
    {"spsc-ring-round-trip", "ns", spsc_round_trip},
    {"own-ring", "msg/s", own_single},
    {"own-ring-batches-of-64", "msg/s", own_batch},
    {"own-ring-round-trip", "ns", own_round_trip},
    {"own-ring-tasks", "tasks/s", own_tasks},
};
