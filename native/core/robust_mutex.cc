#include "core/robust_mutex.h"

#include <sched.h>

#include <cerrno>

#include "core/fault_point.h"

namespace forkful {

bool RobustMutex::initialise(Relock relock) {
  pthread_mutexattr_t attributes;
  if (pthread_mutexattr_init(&attributes) != 0) return false;
  const bool ok = pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) == 0 &&
                  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) == 0 &&
                  (relock == Relock::kDeadlocks ||
                   pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE) == 0) &&
                  pthread_mutex_init(&mutex_, &attributes) == 0;
  pthread_mutexattr_destroy(&attributes);
  return ok;
}

RobustMutex::Outcome RobustMutex::lock(const Deadline& deadline) {
  int error;
  if (deadline.is_never()) {
    error = pthread_mutex_lock(&mutex_);
  } else {
    error = pthread_mutex_trylock(&mutex_);
#ifdef __SANITIZE_THREAD__
    // ThreadSanitizer (of GCC 12) does not know pthread_mutex_clocklock and would take the owner for an intruder.
    while (error == EBUSY && !deadline.is_poll() && !deadline.passed()) {
      sched_yield();
      error = pthread_mutex_trylock(&mutex_);
    }
#else
    if (error == EBUSY && !deadline.is_poll()) {
      const timespec at = deadline.as_timespec();
      error = pthread_mutex_clocklock(&mutex_, CLOCK_MONOTONIC, &at);
    }
#endif
  }
  switch (error) {
    case 0:
      return Outcome::kLocked;
    case EOWNERDEAD:
      FAULT_POINT(recovery_owner_found_dead);
      return pthread_mutex_consistent(&mutex_) == 0 ? Outcome::kOwnerDied : Outcome::kBroken;
    case EBUSY:
    case ETIMEDOUT:
      return Outcome::kTimedOut;
    default:
      return Outcome::kBroken;
  }
}

}  // namespace forkful
