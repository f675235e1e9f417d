#include "core/robust_mutex.h"

#include <sched.h>

#include <cerrno>

#include "core/fault_point.h"

namespace forkful {
namespace {

constexpr int64_t kLookAgainNs = 50'000'000;

}  // namespace

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

// Nobody sleeps for a lock for longer than kLookAgainNs, because the wake-up may have been lost: it goes to one sleeper. If
// that one is killed before it has the lock, the kernel passes the wake-up on, but only while the lock is free. Has somebody
// taken it meanwhile, who then knows of no sleeper, its unlocking wakes nobody.
int RobustMutex::wait(const Deadline& deadline) {
#ifdef __SANITIZE_THREAD__
  // ThreadSanitizer (of GCC 12) does not know pthread_mutex_clocklock and would take the owner for an intruder.
  static_cast<void>(deadline);
  sched_yield();
  return pthread_mutex_trylock(&mutex_);
#else
  const Deadline look = Deadline::in_ns(kLookAgainNs);
  const timespec at = (deadline.at_ns() < look.at_ns() ? deadline : look).as_timespec();
  const int error = pthread_mutex_clocklock(&mutex_, CLOCK_MONOTONIC, &at);
  return error == ETIMEDOUT ? EBUSY : error;
#endif
}

RobustMutex::Outcome RobustMutex::lock(const Deadline& deadline) {
  int error = pthread_mutex_trylock(&mutex_);
  while (error == EBUSY && !deadline.is_poll() && !deadline.passed()) error = wait(deadline);
  switch (error) {
    case 0:
      return Outcome::kLocked;
    case EOWNERDEAD:
      FAULT_POINT(recovery_owner_found_dead);
      return pthread_mutex_consistent(&mutex_) == 0 ? Outcome::kOwnerDied : Outcome::kBroken;
    case EBUSY:
      return Outcome::kTimedOut;
    default:
      return Outcome::kBroken;
  }
}

}  // namespace forkful
