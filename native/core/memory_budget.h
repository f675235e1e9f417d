#pragma once
#include <cstdint>

namespace forkful {

// Bytes that this process could still make real before the machine or one of its cgroups (v1 or v2) runs out:
// the least of MemAvailable and every limit minus what is used and not reclaimable. INT64_MAX when nothing is known.
int64_t available_memory();

// Bytes that can become real and leave something to everybody else.
uint64_t spare_memory();
bool memory_allows(uint64_t bytes);

}  // namespace forkful
