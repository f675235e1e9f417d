#pragma once
#include <cerrno>
#include <cstdint>

#include "core/deadline.h"
#include "core/futex.h"

namespace forkful {

// A futex as it is, for those who build on it from JavaScript.

enum class WordWait { kWoken = 0, kNotEqual = 1, kTimedOut = 2, kFailed = 3 };

// Sleeps while `word` is `expected`. A signal does not end it, and neither it nor a change of the clock lengthens it.
// Every wait ends within its deadline, also if the peer that was to wake has been killed.
inline WordWait wait_on_word(uint32_t* word, uint32_t expected, const Deadline& deadline) {
  for (;;) {
    if (__atomic_load_n(word, __ATOMIC_SEQ_CST) != expected) return WordWait::kNotEqual;
    if (deadline.is_poll()) return WordWait::kTimedOut;
    switch (futex_wait(word, expected, deadline)) {
      case 0:
        return WordWait::kWoken;
      case EAGAIN:
        return WordWait::kNotEqual;
      case ETIMEDOUT:
        return WordWait::kTimedOut;
      case EINTR:
        continue;
      default:
        return WordWait::kFailed;
    }
  }
}

}  // namespace forkful
