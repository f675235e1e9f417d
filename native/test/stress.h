#pragma once

namespace forkful::test {

// Producers and consumers killed, stopped and continued at random for so long; says what became of everything.
void stress(double seconds, unsigned seed);
// The same traffic between threads of this process, unharmed: what ThreadSanitizer can follow.
void threads();

}  // namespace forkful::test
