#pragma once
#include <signal.h>
#include <sys/types.h>

#include <string>
#include <vector>

namespace forkful {

// What it takes to fork a running Node. The process must have been started with --single-threaded, and must fork from
// its main thread with no libuv callback on the stack.

// Makes V8's platform claim that it has no worker threads, by a slot of the virtual table that Node exports: threads
// do not survive a fork, and the garbage collector would wait for ever for the jobs that it gives them. Returns an empty
// string, or why it cannot be done. Do it before V8 has much to do.
std::string disable_platform_threads();

// Why that cannot be done; empty if it can, or is done already.
std::string platform_threads_problem();

// V8 marks its heap as not to be inherited; takes that back for all private mappings there are now.
int inherit_heap();

// Threads of this process, or -errno.
int thread_count();

struct ForkRequest {
  std::vector<int> close;  // descriptors that are not the child's business
  std::vector<int> keep;   // sockets that are; all other inherited ones will look closed by their peer
};

struct Forked {
  sigset_t mask;         // to be restored when the event loop is repaired
  int dead_sockets = 0;  // how many look closed now
};

// fork(2). In the child all signals are still blocked: the caller repairs the event loop, then restores the mask.
pid_t fork_process(const ForkRequest& request, Forked* forked);

}  // namespace forkful
