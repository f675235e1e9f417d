#pragma once

namespace forkful::test {

// Mappings and futex words.
void mappings();

}  // namespace forkful::test
