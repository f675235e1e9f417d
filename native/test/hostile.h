#pragma once
#include <cstddef>
#include <cstdint>

namespace forkful::test {

// Reads the input as what a peer does that has the ring's memory and means harm: it puts and takes, and writes whatever
// it likes into the header, the ledger and the records. The ring of the harmed process may answer kCorrupt; it must
// neither crash nor hang. Only the two mutexes stay as they are: what a robust mutex in shared memory holds, the C
// library believes.
void suffer(const uint8_t* input, size_t length);

// Inputs that once did harm, then so many of no plan at all.
void hostile(uint32_t inputs);

}  // namespace forkful::test
