// The kernel: a call into it, and new processes.
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "bench.h"
#include "core/process.h"

namespace {

double system_call() {
  pin_first();
  return ns_each(1000, [] { syscall(SYS_getppid); });
}

// As long as the parent waits for the call, and until the child has ended.
double fork_ended() {
  return ns_each(1, [] {
           const pid_t pid = fork();
           check(pid >= 0, "fork");
           if (pid == 0) _exit(0);
           waitpid(pid, nullptr, 0);
         }) /
         1e3;
}

// The same from a process as big as a Node that has loaded some modules: its page tables are copied.
double fork_of_40_mb() {
  std::vector<char> memory(40 << 20, 1);
  asm volatile("" : : "r"(memory.data()) : "memory");
  return fork_ended();
}

double spawn_ended() {
  forkful::SpawnRequest request;
  request.file = "/bin/true";
  request.arguments = {"true"};
  request.descriptors = {-1, -1, -1};
  return ns_each(1, [&] {
           forkful::Spawned spawned;
           check(forkful::spawn(request, &spawned) == 0, "spawn /bin/true");
           waitpid(spawned.pid, nullptr, 0);
           close(spawned.pidfd);
         }) /
         1e3;
}

}  // namespace

const Limit system_limits[4] = {
    {"system-call", "ns", system_call},
    {"fork", "us", fork_ended},
    {"fork-of-40-MB", "us", fork_of_40_mb},
    {"spawn", "us", spawn_ended},
};
