#include "core/probe.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "core/descriptors.h"
#include "core/process.h"
#include "core/shared_memory.h"

namespace forkful {
namespace {

// The error of what gives a descriptor, which is not wanted.
int refusal(int fd) {
  if (fd < 0) return -fd;
  close(fd);
  return 0;
}

int sockets() {
  int pair[2];
  const int result = make_socket_pair(pair);
  if (result == 0) {
    close(pair[0]);
    close(pair[1]);
  }
  return -result;
}

int own_handle() {
  const int pidfd = open_process(getpid());
  if (pidfd < 0) return -pidfd;
  const int error = signal_process(pidfd, 0);
  close(pidfd);
  return error;
}

// qemu's user mode has no robust locks: whoever died holding one would hold it for ever. The list itself may be set up
// later (musl), so that only the call is of interest.
int robust_list() {
  void* head;
  size_t length;
  return syscall(SYS_get_robust_list, 0, &head, &length) == 0 ? 0 : errno;
}

int addresses(uint64_t bytes) {
  void* reserved = mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserved == MAP_FAILED) return errno;
  munmap(reserved, bytes);
  return 0;
}

int proc() { return access("/proc/self/fd", R_OK | X_OK) == 0 ? 0 : errno; }

}  // namespace

std::string probe(uint64_t address_space) {
  const std::string gib = std::to_string(address_space >> 30);
  const std::pair<std::string, int> errors[] = {
      {"memfd_create", refusal(create_shared_memory("forkful-probe", page_size()))},
      {"eventfd", refusal(make_event())},
      {"get_robust_list", robust_list()},
      {"pidfd_open or pidfd_send_signal", own_handle()},
      {"socketpair", sockets()},
      {"/proc/self/fd", proc()},
      {"mmap of " + gib + " GiB of addresses", addresses(address_space)},
  };
  for (const auto& [what, error] : errors) {
    if (error != 0) return what + ": " + strerror(error);
  }
  return "";
}

}  // namespace forkful
