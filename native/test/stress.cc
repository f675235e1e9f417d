#include "test/stress.h"

#include <algorithm>
#include <cstdio>
#include <random>
#include <thread>

#include "test/traffic.h"

namespace forkful::test {
namespace {

constexpr uint32_t kProducers = 3, kConsumers = 3;
constexpr uint32_t kMost = 2'000'000;  // messages of one producer in one round
constexpr int64_t kRoundNs = 4'000'000'000;

uint32_t short_lengths(uint32_t producer, uint32_t sequence) { return 16 + (sequence * 37 + producer) % 300; }
// Now and then a large one, so that the ring grows, starts again and gives memory back.
uint32_t mixed_lengths(uint32_t producer, uint32_t sequence) {
  return sequence % 32 == 0 ? 50'000 + (sequence * 7919 + producer) % 500'000 : short_lengths(producer, sequence);
}

struct Totals {
  uint64_t kills = 0, stops = 0, received = 0, with_the_dead = 0, recoveries = 0;
};

struct Shape {
  const char* name;
  Ring::Limits limits;
  Traffic::Length length;
};

std::vector<Shape> shapes() {
  Ring::Limits tiny, middle, sparse, few;
  tiny.data_bytes = 1 << 13;
  middle.data_bytes = 4 << 20;
  sparse.max_bytes = 32 << 20;
  sparse.first_count = UINT32_MAX - (1u << 20) + 1;  // positions wrap
  few.data_bytes = 4 << 20;
  few.max_items = 2;
  return {{"tiny", tiny, short_lengths},
          {"middle", middle, mixed_lengths},
          {"sparse", sparse, mixed_lengths},
          {"few", few, mixed_lengths}};
}

class Round {
 public:
  Round(const Shape& shape, std::minstd_rand& random)
      : name_(shape.name), random_(random), traffic_(shape.limits, kProducers, kConsumers, kMost, shape.length) {
    for (uint32_t i = 0; i < kProducers + kConsumers; i++) start_member(i);
  }

  Totals run(int64_t end) {
    uint64_t last = 0;
    int64_t moved = monotonic_ns();
    while (monotonic_ns() < end && !is_used_up()) {
      usleep(random_() % 1500);
      const uint32_t member = random_() % members_.size();
      switch (random_() % 8) {
        case 0:
          if (members_[member].stopped) break;
          kill(members_[member].pid, SIGSTOP);
          members_[member].stopped = true;
          totals_.stops++;
          break;
        case 1:
        case 2:
          go_on();
          break;
        default:
          end_member(member);
          start_member(member);
      }
      const uint64_t received = traffic_.received();
      if (received != last) {
        last = received;
        moved = monotonic_ns();
      } else if (monotonic_ns() - moved > 20'000'000'000) {
        fail("nothing moves");
      }
    }
    finish();
    return totals_;
  }

 private:
  struct Member {
    pid_t pid = 0;
    bool stopped = false;
  };

  bool is_used_up() const {
    for (uint32_t p = 0; p < kProducers; p++) {
      if (traffic_.started(p) >= kMost) return true;
    }
    return false;
  }

  void start_member(uint32_t member) {
    const Waits waits = random_() % 2 == 0 ? Waits::kByFutex : Waits::kByEventLoop;
    members_[member] = {start([this, member, waits] {
                          if (member < kProducers) {
                            traffic_.produce(member, kMost, waits);
                          } else {
                            traffic_.consume(member - kProducers, waits);
                          }
                        }),
                        false};
  }

  void end_member(uint32_t member) {
    end(members_[member].pid);
    members_[member] = {};
    totals_.kills++;
    if (member >= kProducers) traffic_.bury(member - kProducers);
  }

  void go_on() {
    for (Member& member : members_) {
      if (member.stopped) kill(member.pid, SIGCONT);
      member.stopped = false;
    }
  }

  // Without producers the consumers must come to rest with an empty ring, without help.
  void finish() {
    go_on();
    for (uint32_t p = 0; p < kProducers; p++) end_member(p);
    const bool rested = comes_true([this] {
      return traffic_.ring.items() == 0 && std::all_of(members_.begin() + kProducers, members_.end(),
                                                       [](const Member& member) { return is_asleep(member.pid); });
    });
    if (!rested) fail("the consumers did not come to rest");
    for (uint32_t c = 0; c < kConsumers; c++) end(members_[kProducers + c].pid);
    if (!traffic_.is_sound()) fail("what arrived was not what was sent");
    const Traffic::Account account = traffic_.account();
    if (account.lost != 0) fail("messages are lost");
    totals_.received = traffic_.received();
    totals_.with_the_dead = account.with_the_dead;
    totals_.recoveries = traffic_.ring.recoveries();
  }

  [[noreturn]] void fail(const char* what) {
    std::fprintf(stderr, "stress, %s ring, after %lu kills: %s\n", name_, totals_.kills, what);
    traffic_.describe();
    abort();
  }

  const char* name_;
  std::minstd_rand& random_;
  Traffic traffic_;
  std::vector<Member> members_{kProducers + kConsumers};
  Totals totals_;
};

}  // namespace

void stress(double seconds, unsigned seed) {
  std::minstd_rand random(seed);
  const int64_t end = monotonic_ns() + static_cast<int64_t>(seconds * 1e9);
  Totals all;
  for (size_t round = 0; monotonic_ns() < end; round++) {
    alarm(120);
    const std::vector<Shape> every = shapes();
    const Totals one = Round(every[round % every.size()], random).run(std::min(end, monotonic_ns() + kRoundNs));
    all.kills += one.kills;
    all.stops += one.stops;
    all.received += one.received;
    all.with_the_dead += one.with_the_dead;
    all.recoveries += one.recoveries;
  }
  alarm(0);
  std::printf("ok stress: kills %lu, stops %lu, received %lu, taken along by the dead %lu, recoveries %lu, lost 0, "
              "corrupt 0, twice 0, hung 0 (seed %u)\n",
              all.kills, all.stops, all.received, all.with_the_dead, all.recoveries, seed);
}

void threads() {
  constexpr uint32_t kEach = 3000;
  Ring::Limits few, middle;
  few.data_bytes = middle.data_bytes = 4 << 20;
  few.max_items = 2;
  for (const Ring::Limits& limits : {few, middle}) {
    // One producer more, whose messages only wake those who have nothing left to wait for.
    Traffic traffic(limits, kProducers + 1, kConsumers, kEach, mixed_lengths);
    std::atomic<uint32_t> ended{0};
    std::vector<std::thread> all;
    // A Ring's spinning is its process's; so one thread of each side sleeps on futexes, the others do not spin.
    const auto waits = [](uint32_t member) { return member == 0 ? Waits::kByFutex : Waits::kByEventLoop; };
    for (uint32_t p = 0; p < kProducers; p++) all.emplace_back([&, p] { traffic.produce(p, kEach, waits(p)); });
    for (uint32_t c = 0; c < kConsumers; c++) {
      all.emplace_back([&, c] {
        traffic.consume(c, waits(c), [&] { return traffic.received() < kProducers * kEach; });
        ended++;
      });
    }
    CHECK(comes_true([&] { return traffic.received() >= kProducers * kEach; }, 60'000'000'000));
    for (uint32_t more = 1; ended < kConsumers; more++) {
      traffic.produce(kProducers, more, Waits::kByEventLoop);
      CHECK(comes_true([&] { return ended == kConsumers || traffic.ring.items() == 0; }));
    }
    for (std::thread& thread : all) thread.join();
    CHECK(traffic.is_sound() && traffic.account().lost == 0);
  }
}

}  // namespace forkful::test
