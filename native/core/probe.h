#pragma once
#include <cstdint>
#include <string>

namespace forkful {

// Makes one of each thing that the library is built on, and gives it back: a sealed memory, an eventfd, a socket pair,
// `address_space` bytes of addresses, a handle of this very process; asks for the list of robust locks, and for /proc.
// A sandbox, an emulator or an old kernel may refuse any of them. "" or what was refused: "eventfd: Operation not
// permitted".
std::string probe(uint64_t address_space);

}  // namespace forkful
