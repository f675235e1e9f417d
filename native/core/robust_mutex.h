#pragma once
#include <pthread.h>

#include <cstdint>

#include "core/deadline.h"

namespace forkful {

// What two processes must have in common to share mutexes: the size of pointers, and of the C library's mutex.
constexpr uint32_t kAbi = static_cast<uint32_t>(sizeof(void*) << 16 | sizeof(pthread_mutex_t) << 1)
#ifdef __GLIBC__
                          | 1
#endif
    ;

// A mutex between processes whose owner's death is told to the next owner (EOWNERDEAD). It lives in shared memory;
// a thread may hold at most two at once, and memory that contains a held one is never unmapped (the kernel walks
// the list of held ones when the thread dies).
class RobustMutex {
 public:
  enum class Outcome { kLocked, kOwnerDied, kTimedOut, kBroken };

  enum class Relock { kDeadlocks, kNests };

  // Whether those who wait sleep: under ThreadSanitizer they try again and again.
#ifdef __SANITIZE_THREAD__
  static constexpr bool kSleeps = false;
#else
  static constexpr bool kSleeps = true;
#endif

  // kNests: a thread that holds it may lock it again, and unlocks it as often.
  bool initialise(Relock relock = Relock::kDeadlocks);
  // kLocked and kOwnerDied hold the lock; after kOwnerDied it has been made consistent.
  [[nodiscard]] Outcome lock(const Deadline& deadline);
  void unlock() { pthread_mutex_unlock(&mutex_); }

 private:
  // 0, EOWNERDEAD, EBUSY after a while, or what is wrong with it.
  int wait(const Deadline& deadline);

  pthread_mutex_t mutex_;
};

}  // namespace forkful
