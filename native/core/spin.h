#pragma once
#include <sched.h>

#include <algorithm>
#include <cstdint>

#include "core/deadline.h"
#include "core/futex.h"

namespace forkful {

// Whether, and how long, one waiter spins before it sleeps. Local to a process; any value is correct.
//
// What counts is how long its waits have been lately, a wake-up included. Two processes that both sleep keep each
// other waiting for two wake-ups, spinning ones for none; so a wait of that length is worth a spin that outlasts one
// wake-up of the other, which begins to spin in turn when its own waits get shorter. Waits that are longer than that
// cost nothing, but for a rare try while they are not much longer.
class SpinBudget {
 public:
  static constexpr int64_t kMostNs = 60'000;
  static constexpr int64_t kWorthwhileNs = 100'000;  // waits that were expected to be longer are slept through
  static constexpr int64_t kHopelessNs = 1'000'000;  // waits that are not even tried
  static constexpr uint32_t kTryAfter = 64;  // sleeps without a spin

  static constexpr int kStream = 8;
  static constexpr int kSoon = 4;
  static constexpr int kGather = 24;

  // 0 forbids it; where one CPU is all this process may use, it never spins.
  void limit(int64_t most_ns) {
    if (most_ns_ != 0) most_ns_ = most_ns;
  }

  template <class Ready>
  bool spin(Ready ready) {
    const int64_t budget = next();
    if (budget == 0) return false;
    // In a stream something comes sooner than this anyway: let some gather, rather than take the cache line away from
    // the other side for each.
    if (stream_ >= kStream) {
      for (int i = 0; i < kGather; i++) cpu_relax();
    }
    const int64_t end = monotonic_ns() + budget;
    bool first = true;
    do {
      for (int i = 0; i < 16; i++) {
        if (ready()) {
          expected_ns_ -= expected_ns_ / 4;
          stream_ = first && i < kSoon ? std::min(stream_ + 1, kStream) : 0;
          return true;
        }
        cpu_relax();
      }
      first = false;
    } while (monotonic_ns() < end);
    stream_ = 0;
    expect(2 * kWorthwhileNs);  // wasted: without this, waits just longer than a spin would be spun for for ever
    return false;
  }

  // How long a wait that ended in a sleep has been.
  void slept(int64_t waited_ns) { expect(waited_ns); }

  bool allowed() const { return most_ns_ != 0; }

 private:
  int64_t next() {
    if (most_ns_ == 0) return 0;
    if (expected_ns_ <= kWorthwhileNs) return most_ns_;
    if (expected_ns_ > kHopelessNs || ++skipped_ < kTryAfter) return 0;
    skipped_ = 0;
    return most_ns_ * 5 / 2;
  }
  void expect(int64_t wait_ns) { expected_ns_ += (std::min(wait_ns, 8 * kHopelessNs) - expected_ns_) / 4; }

  static bool usable_cpus_exceed_one() {
    cpu_set_t set;
    CPU_ZERO(&set);
    return sched_getaffinity(0, sizeof set, &set) != 0 || CPU_COUNT(&set) > 1;
  }
  int64_t most_ns_ = usable_cpus_exceed_one() ? kMostNs : 0;
  int64_t expected_ns_ = 0;
  uint32_t skipped_ = 0;
  int stream_ = 0;  // waits in a row that ended at once
};

// One who spins here and sleeps elsewhere: in an event loop, in an epoll.
class SpinBeforeSleep {
 public:
  void limit(int64_t most_ns) { budget_.limit(most_ns); }
  bool allowed() const { return budget_.allowed(); }

  // Whether it came. If not, the caller sleeps now, and says when it woke.
  template <class Ready>
  bool spin(Ready ready) {
    if (!allowed()) return false;
    const int64_t begun = monotonic_ns();
    const bool came = budget_.spin(ready);
    waiting_since_ns_ = came ? 0 : begun;
    return came;
  }

  void woke() {
    if (waiting_since_ns_ != 0) budget_.slept(monotonic_ns() - waiting_since_ns_);
    waiting_since_ns_ = 0;
  }

  // What comes now does not end the wait that was spun for.
  void forget() { waiting_since_ns_ = 0; }

 private:
  SpinBudget budget_;
  int64_t waiting_since_ns_ = 0;  // 0: nobody sleeps
};

}  // namespace forkful
