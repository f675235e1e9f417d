#pragma once
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>

#include "core/deadline.h"

namespace forkful {

// The two calls of a futex as they are, for those who build on them from JavaScript. The keys are shared ones: they work
// between processes, whatever address each has the word at.

enum class WordWait { kWoken = 0, kNotEqual = 1, kTimedOut = 2, kFailed = 3 };

// Sleeps while `word` is `expected`. A signal does not end it, and neither it nor a change of the clock lengthens it.
// Every wait ends within its deadline, also if the peer that was to wake has been killed.
inline WordWait wait_on_word(uint32_t* word, uint32_t expected, const Deadline& deadline) {
  const timespec at = deadline.as_timespec();
  for (;;) {
    if (__atomic_load_n(word, __ATOMIC_SEQ_CST) != expected) return WordWait::kNotEqual;
    if (deadline.is_poll()) return WordWait::kTimedOut;
    if (syscall(SYS_futex, word, FUTEX_WAIT_BITSET, expected, deadline.is_never() ? nullptr : &at, nullptr,
                FUTEX_BITSET_MATCH_ANY) == 0) {
      return WordWait::kWoken;
    }
    if (errno == EAGAIN) return WordWait::kNotEqual;
    if (errno == ETIMEDOUT) return WordWait::kTimedOut;
    if (errno != EINTR) return WordWait::kFailed;
  }
}

// How many were woken, at most `most`; or -errno.
inline int wake_word(uint32_t* word, int most) {
  const long woken = syscall(SYS_futex, word, FUTEX_WAKE, most, nullptr, nullptr, 0);
  return woken < 0 ? -errno : static_cast<int>(woken);
}

}  // namespace forkful
