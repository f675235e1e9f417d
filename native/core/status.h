#pragma once
#include <cstdint>

namespace forkful {

// Mirrored by lib/backend/native/status.ts.
enum class Status : int32_t {
  kOk = 0,
  kEmpty = 1,     // nothing to take
  kFull = 2,      // no room within the ring's bounds
  kBusy = 3,      // the lock was not to be had before the deadline
  kNoMemory = 4,  // growing would exceed the memory of the machine or of the cgroup
  kTooLarge = 5,  // the record could never fit
  kShort = 6,     // the destination is too small; the needed length is reported
  kCorrupt = 7,   // the shared header or a record is not plausible
  kShut = 8,      // nobody may put any more; for who takes: and nothing is left
  kCrowded = 9,   // the ledger has no slot for another process
  kDescriptors = 10,  // more of them than this process, or its user, may have
};

}  // namespace forkful
