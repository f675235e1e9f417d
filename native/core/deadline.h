#pragma once
#include <time.h>

#include <cmath>
#include <cstdint>

namespace forkful {

inline int64_t monotonic_ns() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// An absolute point on CLOCK_MONOTONIC, so that neither EINTR nor a clock change can lengthen a wait.
class Deadline {
 public:
  static Deadline never() { return Deadline(INT64_MAX); }
  static Deadline in_ns(int64_t ns) { return Deadline(monotonic_ns() + ns); }
  // NaN, negative and 0 poll; what exceeds a century waits for ever.
  static Deadline in_ms(double ms) {
    if (!(ms > 0)) return Deadline(0);
    if (ms > 3.2e12) return never();
    return in_ns(static_cast<int64_t>(std::ceil(ms * 1e6)));
  }

  bool is_never() const { return at_ns_ == INT64_MAX; }
  bool is_poll() const { return at_ns_ == 0; }
  bool passed() const { return !is_never() && monotonic_ns() >= at_ns_; }
  int64_t at_ns() const { return at_ns_; }
  timespec as_timespec() const {
    return timespec{static_cast<time_t>(at_ns_ / 1'000'000'000), static_cast<long>(at_ns_ % 1'000'000'000)};
  }
  // What is left for an interface that takes milliseconds, rounded up; -1 for ever.
  int left_ms() const {
    if (is_never()) return -1;
    const int64_t left = at_ns_ - monotonic_ns();
    if (left <= 0) return 0;
    const int64_t ms = (left + 999'999) / 1'000'000;
    return ms > 1'000'000'000 ? 1'000'000'000 : static_cast<int>(ms);
  }

 private:
  explicit Deadline(int64_t at_ns) : at_ns_(at_ns) {}
  int64_t at_ns_;
};

}  // namespace forkful
