#include "core/process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace forkful {
namespace {

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

class FileActions {
 public:
  FileActions() { posix_spawn_file_actions_init(&actions_); }
  ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
  posix_spawn_file_actions_t* get() { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

class Attributes {
 public:
  Attributes() { posix_spawnattr_init(&attributes_); }
  ~Attributes() { posix_spawnattr_destroy(&attributes_); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  posix_spawnattr_t* get() { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

// Copies of the descriptors above every number that the child will use, so that no dup2 overwrites a source that a
// later one still needs.
class Sources {
 public:
  ~Sources() {
    for (const int fd : copies_) {
      if (fd >= 0) close(fd);
    }
  }
  int copy(const std::vector<int>& descriptors) {
    for (const int fd : descriptors) {
      const int copy = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, static_cast<int>(descriptors.size()));
      if (fd >= 0 && copy < 0) return errno;
      copies_.push_back(copy);
    }
    return 0;
  }
  int operator[](size_t i) const { return copies_[i]; }

 private:
  std::vector<int> copies_;
};

}  // namespace

int spawn(const SpawnRequest& request, Spawned* out) {
  Sources sources;
  if (const int error = sources.copy(request.descriptors)) return error;

  FileActions actions;
  int error = 0;
  const int count = static_cast<int>(request.descriptors.size());
  for (int i = 0; i < count && error == 0; i++) {
    error = sources[i] < 0 ? posix_spawn_file_actions_addopen(actions.get(), i, "/dev/null", O_RDWR, 0)
                           : posix_spawn_file_actions_adddup2(actions.get(), sources[i], i);
  }
  if (error == 0) error = posix_spawn_file_actions_addclosefrom_np(actions.get(), count);
  if (error == 0 && !request.working_directory.empty()) {
    error = posix_spawn_file_actions_addchdir_np(actions.get(), request.working_directory.c_str());
  }
  if (error != 0) return error;

  Attributes attributes;
  sigset_t all, none;
  sigfillset(&all);
  sigemptyset(&none);
  short flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
  if (request.new_session) flags |= POSIX_SPAWN_SETSID;
  posix_spawnattr_setsigdefault(attributes.get(), &all);
  posix_spawnattr_setsigmask(attributes.get(), &none);
  posix_spawnattr_setflags(attributes.get(), flags);

  const std::vector<char*> argv = pointers(request.arguments);
  const std::vector<char*> envp = pointers(request.environment);
  pid_t pid;
  error = posix_spawn(&pid, request.file.c_str(), actions.get(), attributes.get(), argv.data(), envp.data());
  if (error != 0) return error;

  // The child cannot be reaped by anybody else before this, so the number is still its own.
  const int pidfd = open_process(pid);
  if (pidfd < 0) {
    error = -pidfd;
    kill(pid, SIGKILL);
    while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    return error;
  }
  *out = {pid, pidfd};
  return 0;
}

int open_process(pid_t pid) {
  const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));  // always close-on-exec
  return pidfd < 0 ? -errno : pidfd;
}

int reap(pid_t pid, ExitStatus* out) {
  int status;
  pid_t ended;
  do ended = waitpid(pid, &status, WNOHANG);
  while (ended < 0 && errno == EINTR);
  if (ended < 0) return -errno;
  if (ended == 0) return 0;
  *out = WIFSIGNALED(status) ? ExitStatus{-1, WTERMSIG(status)} : ExitStatus{WEXITSTATUS(status), 0};
  return 1;
}

int signal_process(int pidfd, int signal) {
  return syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) < 0 ? errno : 0;
}

}  // namespace forkful
