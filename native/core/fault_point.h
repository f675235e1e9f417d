#pragma once

// Places where a test build (-DFORKFUL_FAULT_POINTS) ends or stops the process that passes; nothing in other builds.
// Each stands behind the step that it is named for.

#ifdef FORKFUL_FAULT_POINTS

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>

#define FORKFUL_FAULT_POINTS_LIST(POINT)                                                                      \
  POINT(put_locked)                                                                                           \
  POINT(put_header_written)                                                                                   \
  POINT(put_record_written)                                                                                   \
  POINT(put_woken)                                                                                            \
  POINT(put_committed)                                                                                        \
  POINT(put_unlocked)                                                                                         \
  POINT(get_locked)                                                                                           \
  POINT(get_copied)                                                                                           \
  POINT(get_woken)                                                                                            \
  POINT(get_committed)                                                                                        \
  POINT(get_reclaimed)                                                                                        \
  POINT(get_unlocked)                                                                                         \
  POINT(wake_flag_cleared)                                                                                    \
  POINT(wake_sequence_bumped)                                                                                 \
  POINT(wake_sleepers_woken)                                                                                  \
  POINT(wake_disarmed)                                                                                        \
  POINT(wake_event_written)                                                                                   \
  POINT(sleep_begun)                                                                                          \
  POINT(sleep_locked)                                                                                         \
  POINT(sleep_checked)                                                                                        \
  POINT(sleep_sequence_read)                                                                                  \
  POINT(sleep_flag_set)                                                                                       \
  POINT(sleep_unlocked)                                                                                       \
  POINT(sleep_woken)                                                                                          \
  POINT(arm_locked)                                                                                           \
  POINT(arm_checked)                                                                                          \
  POINT(arm_flag_set)                                                                                         \
  POINT(arm_unlocked)                                                                                         \
  POINT(restart_looked)                                                                                       \
  POINT(restart_jump_forgotten)                                                                               \
  POINT(restart_discarded)                                                                                    \
  POINT(restart_announced)                                                                                    \
  POINT(restart_led_out)                                                                                      \
  POINT(reclaim_begun)                                                                                        \
  POINT(reclaim_discarded)                                                                                    \
  POINT(reclaim_moved)                                                                                        \
  POINT(release_locked)                                                                                       \
  POINT(release_begun)                                                                                        \
  POINT(release_done)                                                                                         \
  POINT(recovery_owner_found_dead)                                                                            \
  POINT(recovery_made_consistent)                                                                             \
  POINT(recovery_reclaimed)                                                                                   \
  POINT(recovery_sequence_bumped)                                                                             \
  POINT(recovery_sleepers_woken)                                                                              \
  POINT(recovery_consumers_told)                                                                              \
  POINT(recovery_producers_told)                                                                              \
  POINT(parcel_numbered)                                                                                      \
  POINT(parcel_sent)                                                                                          \
  POINT(parcel_peeked)                                                                                        \
  POINT(parcel_dropped)                                                                                       \
  POINT(claim_locked)                                                                                         \
  POINT(claim_woken)                                                                                          \
  POINT(claim_vacated)                                                                                        \
  POINT(claim_prepared)                                                                                       \
  POINT(claim_made)                                                                                           \
  POINT(get_accounted)                                                                                        \
  POINT(done_locked)                                                                                          \
  POINT(done_woken)                                                                                           \
  POINT(done_counted)                                                                                         \
  POINT(done_unlocked)                                                                                        \
  POINT(shut_half_locked)                                                                                     \
  POINT(shut_locked)                                                                                          \
  POINT(shut_woken)                                                                                           \
  POINT(shut_committed)                                                                                       \
  POINT(shut_dropped)                                                                                         \
  POINT(shut_done)                                                                                            \
  POINT(shut_half_unlocked)                                                                                   \
  POINT(shut_unlocked)                                                                                        \
  POINT(name_directory_made)                                                                                  \
  POINT(name_file_made)                                                                                       \
  POINT(name_file_used)                                                                                       \
  POINT(name_file_filled)                                                                                     \
  POINT(name_given)                                                                                           \
  POINT(name_opened)                                                                                          \
  POINT(name_used)                                                                                            \
  POINT(name_found)                                                                                           \
  POINT(name_locked)                                                                                          \
  POINT(name_proved_unused)                                                                                   \
  POINT(name_proved_meant)                                                                                    \
  POINT(name_taken_away)                                                                                      \
  POINT(name_given_up)                                                                                        \
  POINT(name_directory_removed)

namespace forkful {

enum class FaultPoint : uint32_t {
#define FORKFUL_NAME(name) name,
  FORKFUL_FAULT_POINTS_LIST(FORKFUL_NAME)
#undef FORKFUL_NAME
};

inline constexpr const char* kFaultPointNames[] = {
#define FORKFUL_NAME(name) #name,
    FORKFUL_FAULT_POINTS_LIST(FORKFUL_NAME)
#undef FORKFUL_NAME
};
inline constexpr uint32_t kFaultPoints = std::size(kFaultPointNames);
// From here on they are passed only with descriptors, with a ledger, by who shuts the ring, or by who makes and removes
// names, and tested apart.
inline constexpr uint32_t kFirstOfParcel = static_cast<uint32_t>(FaultPoint::parcel_numbered);
inline constexpr uint32_t kFirstOfLedger = static_cast<uint32_t>(FaultPoint::claim_locked);
inline constexpr uint32_t kFirstOfShut = static_cast<uint32_t>(FaultPoint::shut_half_locked);
inline constexpr uint32_t kFirstOfName = static_cast<uint32_t>(FaultPoint::name_directory_made);

// Whoever of these roles (a set of bits) passes the point for the nth time gets the signal: once.
struct Fault {
  std::atomic<uint32_t> roles;  // 0: none
  std::atomic<uint32_t> point;
  std::atomic<int32_t> passes_left;
  std::atomic<int32_t> signal;
};

// In shared memory if more than one process is meant.
struct FaultPlan {
  Fault faults[2];
};

// FORKFUL_FAULT=point[:nth] for a program that is not of the tests.
inline FaultPlan* fault_plan_of_environment() {
  const char* wanted = getenv("FORKFUL_FAULT");
  if (wanted == nullptr) return nullptr;
  static FaultPlan plan;
  const size_t length = strcspn(wanted, ":");
  for (uint32_t i = 0; i < kFaultPoints; i++) {
    if (strlen(kFaultPointNames[i]) != length || strncmp(wanted, kFaultPointNames[i], length) != 0) continue;
    plan.faults[0].roles = 1;
    plan.faults[0].point = i;
    plan.faults[0].passes_left = wanted[length] == ':' ? atoi(wanted + length + 1) : 1;
    plan.faults[0].signal = SIGKILL;
    return &plan;
  }
  std::fprintf(stderr, "FORKFUL_FAULT: expected the name of a fault point, got %s\n", wanted);
  abort();
}

inline FaultPlan* fault_plan = fault_plan_of_environment();
inline uint32_t fault_role = 1;

inline void pass_fault_point(FaultPoint point) {
  if (fault_plan == nullptr) return;
  for (Fault& fault : fault_plan->faults) {
    if ((fault.roles.load() & fault_role) == 0 || fault.point.load() != static_cast<uint32_t>(point)) continue;
    if (fault.passes_left.fetch_sub(1) == 1) kill(getpid(), fault.signal.load());
  }
}

}  // namespace forkful

#define FAULT_POINT(name) ::forkful::pass_fault_point(::forkful::FaultPoint::name)

#else
#define FAULT_POINT(name) static_cast<void>(0)
#endif
