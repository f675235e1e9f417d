#pragma once

namespace forkful::test {

// Traffic and waits of processes that a timer interrupts all the time.
void storms();
// One ring, used by processes and by threads of another.
void threads_and_processes();

}  // namespace forkful::test
