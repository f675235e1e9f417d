#pragma once
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdint>

#include "core/deadline.h"

namespace forkful {

static_assert(sizeof(std::atomic<uint32_t>) == 4 && std::atomic<uint32_t>::is_always_lock_free);
static_assert(sizeof(std::atomic<uint64_t>) == 8 && std::atomic<uint64_t>::is_always_lock_free);

// The keys are shared ones: they work between processes, whatever address each has the word at.

// How many were woken, at most `most`; or -errno.
inline int futex_wake(uint32_t* word, int most) {
  const long woken = syscall(SYS_futex, word, FUTEX_WAKE, most, nullptr, nullptr, 0);
  return woken < 0 ? -errno : static_cast<int>(woken);
}

inline void futex_wake_all(std::atomic<uint32_t>& word) { futex_wake(reinterpret_cast<uint32_t*>(&word), INT_MAX); }

// Sleeps while `word` is `expected`. 0 after a wake-up, or an errno: EAGAIN, EINTR, ETIMEDOUT.
inline int futex_wait(uint32_t* word, uint32_t expected, const Deadline& deadline) {
  const timespec at = deadline.as_timespec();
  const long result = syscall(SYS_futex, word, FUTEX_WAIT_BITSET, expected, deadline.is_never() ? nullptr : &at, nullptr,
                              FUTEX_BITSET_MATCH_ANY);
  return result == 0 ? 0 : errno;
}

// The same; whatever ended it, the caller looks again.
inline void futex_wait(std::atomic<uint32_t>& word, uint32_t expected, const Deadline& deadline) {
  futex_wait(reinterpret_cast<uint32_t*>(&word), expected, deadline);
}

inline void cpu_relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace forkful
