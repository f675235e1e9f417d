#include "core/process_identity.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace forkful {
namespace {

struct Stat {
  char state;
  uint64_t started;
};

// False if /proc does not tell.
bool read_stat(const char* path, Stat* out) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  char text[1024];
  const ssize_t length = read(fd, text, sizeof text - 1);
  close(fd);
  if (length <= 0) return false;
  text[length] = 0;
  // The name may contain anything; behind its last parenthesis come the state (field 3) and numbers up to the start (22).
  const char* field = strrchr(text, ')');
  if (field == nullptr || field[1] != ' ') return false;
  out->state = field[2];
  for (int i = 2; i < 22; i++) {
    field = strchr(field + 1, ' ');
    if (field == nullptr) return false;
  }
  out->started = strtoull(field, nullptr, 10);
  return true;
}

}  // namespace

ProcessIdentity own_identity() {
  Stat stat{};
  const bool is_read = read_stat("/proc/self/stat", &stat);
  return {static_cast<uint32_t>(getpid()), is_read ? stat.started : 0};
}

bool has_ended(const ProcessIdentity& process) {
  if (kill(static_cast<pid_t>(process.pid), 0) != 0 && errno == ESRCH) return true;
  char path[32];
  std::snprintf(path, sizeof path, "/proc/%u/stat", process.pid);
  Stat stat{};
  if (!read_stat(path, &stat)) return false;
  if (stat.state == 'Z' || stat.state == 'X') return true;
  return process.started != 0 && stat.started != process.started;
}

}  // namespace forkful
