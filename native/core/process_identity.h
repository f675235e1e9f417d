#pragma once
#include <cstdint>

namespace forkful {

// A process beyond the reuse of its number.
struct ProcessIdentity {
  uint32_t pid;
  uint64_t started;  // in clock ticks since boot; 0: not known

  bool operator==(const ProcessIdentity&) const = default;
};

ProcessIdentity own_identity();

// Whether it has ended; a zombie has. In doubt it has not.
bool has_ended(const ProcessIdentity& process);

}  // namespace forkful
