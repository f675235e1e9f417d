#include "test/deny.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <utility>

namespace forkful::test {

void deny(const char* call, char* const program[]) {
  constexpr std::pair<std::string_view, unsigned> kCalls[] = {
      {"memfd_create", SYS_memfd_create},
      {"get_robust_list", SYS_get_robust_list},
      {"pidfd_open", SYS_pidfd_open},
      {"pidfd_send_signal", SYS_pidfd_send_signal},
  };
  for (const auto& [name, number] : kCalls) {
    if (name != call) continue;
    sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog rules{sizeof filter / sizeof *filter, filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &rules) == 0) {
      execvp(program[0], program);
    }
    std::fprintf(stderr, "deny: %s\n", strerror(errno));
    return;
  }
  std::fprintf(stderr, "deny: expected a call that it knows, got %s\n", call);
}

}  // namespace forkful::test
