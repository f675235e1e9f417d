#pragma once
#include <sched.h>

#include <algorithm>
#include <cstdint>

#include "core/deadline.h"
#include "core/futex.h"

namespace forkful {

// How long one waiter spins before it sleeps: doubled while spinning finds what it waits for, halved while it does
// not, and nothing at all where this process may use one CPU only. Local to a process; any value is correct.
class SpinBudget {
 public:
  static constexpr int64_t kMostNs = 20'000;
  static constexpr int64_t kLeastNs = 1'000;
  static constexpr uint32_t kRetryAfter = 32;  // sleeps without a spin before one is tried again

  template <class Ready>
  bool spin(Ready ready) {
    if (!several_cpus_) return false;
    if (budget_ns_ < kLeastNs) {
      if (++skipped_ < kRetryAfter) return false;
      skipped_ = 0;
      budget_ns_ = kLeastNs;
    }
    const int64_t end = monotonic_ns() + budget_ns_;
    do {
      for (int i = 0; i < 16; i++) {
        if (ready()) {
          budget_ns_ = std::min(kMostNs, budget_ns_ * 2);
          return true;
        }
        cpu_relax();
      }
    } while (monotonic_ns() < end);
    budget_ns_ /= 2;
    return false;
  }

 private:
  static bool usable_cpus_exceed_one() {
    cpu_set_t set;
    CPU_ZERO(&set);
    return sched_getaffinity(0, sizeof set, &set) != 0 || CPU_COUNT(&set) > 1;
  }
  bool several_cpus_ = usable_cpus_exceed_one();
  int64_t budget_ns_ = kMostNs;
  uint32_t skipped_ = 0;
};

}  // namespace forkful
