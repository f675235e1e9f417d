#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

namespace forkful {

struct SpawnRequest {
  std::string file;
  std::vector<std::string> arguments;    // including argv[0]
  std::vector<std::string> environment;  // "NAME=value"
  std::string working_directory;         // empty: the parent's
  std::vector<int> descriptors;          // the child's 0, 1, 2 ... ; -1: /dev/null
  bool new_session = false;
};

struct Spawned {
  pid_t pid;
  int pidfd;
};

// Starts a program that has exactly the given descriptors, default signal handlers and an empty signal mask. The
// parent's pages are not copied, so its size does not matter. Returns 0 or an errno.
int spawn(const SpawnRequest& request, Spawned* out);

// A pidfd, or -errno. Stands for the right process only if that cannot have been reaped yet.
int open_process(pid_t pid);

struct ExitStatus {
  int code;    // -1 if ended by a signal
  int signal;  // 0 if not
};
// Reaps the child if it has ended: 1; 0 if it still runs; -errno.
int reap(pid_t pid, ExitStatus* out);

// Signals the very process that the pidfd stands for, never a later one of the same number. 0 or an errno.
int signal_process(int pidfd, int signal);

}  // namespace forkful
