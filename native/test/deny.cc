#include "test/deny.h"

#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <utility>

namespace forkful::test {
namespace {

// Replaces this program by another under the rules.
template <size_t N>
void exec_under(sock_filter (&filter)[N], char* const program[]) {
  const sock_fprog rules{N, filter};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &rules) == 0) {
    execvp(program[0], program);
  }
  std::fprintf(stderr, "deny: %s\n", strerror(errno));
}

// Whoever waits by CLOCK_REALTIME is killed.
void deny_realtime(char* const program[]) {
  constexpr auto argument = [](int index) {
    return static_cast<uint32_t>(offsetof(seccomp_data, args) + 8 * static_cast<size_t>(index));  // its lower half
  };
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_futex, 0, 4),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, argument(3)),  // the timeout, if any
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 7, 0),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, argument(1)),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, FUTEX_CLOCK_REALTIME, 4, 5),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_timerfd_create, 1, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clock_nanosleep, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, argument(0)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CLOCK_REALTIME, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  exec_under(filter, program);
}

}  // namespace

void deny(const char* call, char* const program[]) {
  constexpr std::pair<std::string_view, unsigned> kCalls[] = {
      {"memfd_create", SYS_memfd_create},
      {"get_robust_list", SYS_get_robust_list},
      {"pidfd_open", SYS_pidfd_open},
      {"pidfd_send_signal", SYS_pidfd_send_signal},
  };
  if (std::string_view(call) == "waits by the clock of the day") return deny_realtime(program);
  for (const auto& [name, number] : kCalls) {
    if (name != call) continue;
    sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    return exec_under(filter, program);
  }
  std::fprintf(stderr, "deny: expected a call that it knows, got %s\n", call);
}

}  // namespace forkful::test
