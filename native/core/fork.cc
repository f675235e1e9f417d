#include "core/fork.h"

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "core/shared_memory.h"

namespace forkful {
namespace {

int no_worker_threads(void*) { return 0; }

// Calls `visit(number)` for each entry of a folder of /proc whose names are numbers; 0 or -errno.
template <class Visit>
int for_each_number(const char* folder, Visit visit) {
  DIR* directory = opendir(folder);
  if (directory == nullptr) return -errno;
  const int own = dirfd(directory);
  while (const dirent* entry = readdir(directory)) {
    if (entry->d_name[0] == '.') continue;
    const int number = atoi(entry->d_name);
    if (number != own) visit(number);
  }
  closedir(directory);
  return 0;
}

int option_of(int socket, int option) {
  int value = 0;
  socklen_t size = sizeof value;
  return getsockopt(socket, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

// A listening socket that nobody can connect to, since nobody knows its name.
int make_deaf_listener() {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (fd >= 0 && (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address.sun_family) != 0 ||
                  listen(fd, 1) != 0)) {
    close(fd);
    return -1;
  }
  return fd;
}

// A connection that a preloaded module has opened belongs to all children at once: each would take answers that are
// meant for another. They find it closed instead. The number stays taken, since handles refer to it. What has no other
// end that could close must become silent instead: watched by an event loop, a closed one would be readable for ever.
int kill_other_sockets(const std::vector<int>& keep) {
  std::vector<int> sockets;
  for_each_number("/proc/self/fd", [&](int fd) {
    struct stat status;
    if (fd > 2 && std::find(keep.begin(), keep.end(), fd) == keep.end() && fstat(fd, &status) == 0 &&
        S_ISSOCK(status.st_mode)) {
      sockets.push_back(fd);
    }
  });
  for (const int fd : sockets) {
    int substitute;
    if (option_of(fd, SO_TYPE) == SOCK_DGRAM) {
      substitute = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    } else if (option_of(fd, SO_ACCEPTCONN) == 1) {
      substitute = make_deaf_listener();
    } else {
      int pair[2];
      if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0) continue;
      close(pair[1]);
      substitute = pair[0];
    }
    if (substitute < 0) continue;
    dup3(substitute, fd, O_CLOEXEC);
    close(substitute);
  }
  return static_cast<int>(sockets.size());
}

// The slot of the platform's virtual table; null, and a problem, if it is not found.
void** find_slot(std::string* problem) {
  void** table = static_cast<void**>(dlsym(RTLD_DEFAULT, "_ZTVN4node12NodePlatformE"));
  void* const counter = dlsym(RTLD_DEFAULT, "_ZN4node12NodePlatform21NumberOfWorkerThreadsEv");
  if (table == nullptr || counter == nullptr) {
    *problem = "this Node does not export the symbols of its platform";
    return nullptr;
  }
  Dl_info info;
  const ElfW(Sym)* symbol = nullptr;
  if (dladdr1(table, &info, reinterpret_cast<void**>(const_cast<ElfW(Sym)**>(&symbol)), RTLD_DL_SYMENT) == 0 ||
      symbol == nullptr) {
    *problem = "the size of the platform's virtual table is not known";
    return nullptr;
  }
  void** const end = table + symbol->st_size / sizeof(void*);
  void** const slot = std::find_if(table, end, [&](const void* entry) {
    return entry == counter || entry == reinterpret_cast<void*>(no_worker_threads);
  });
  if (slot != end) return slot;
  *problem = "the platform's virtual table does not have the expected shape";
  return nullptr;
}

}  // namespace

std::string platform_threads_problem() {
  std::string problem;
  find_slot(&problem);
  return problem;
}

std::string disable_platform_threads() {
  std::string problem;
  void** const slot = find_slot(&problem);
  if (slot == nullptr) return problem;
  if (*slot == reinterpret_cast<void*>(no_worker_threads)) return "";  // a child of one that has done it
  const uintptr_t page = reinterpret_cast<uintptr_t>(slot) & ~(uintptr_t{page_size()} - 1);
  if (mprotect(reinterpret_cast<void*>(page), page_size(), PROT_READ | PROT_WRITE) != 0) {
    return std::string("the platform's virtual table cannot be made writable: ") + strerror(errno);
  }
  *slot = reinterpret_cast<void*>(no_worker_threads);
  mprotect(reinterpret_cast<void*>(page), page_size(), PROT_READ);
  return "";
}

int inherit_heap() {
  FILE* maps = fopen("/proc/self/maps", "re");
  if (maps == nullptr) return -errno;
  char* line = nullptr;
  size_t room = 0;
  while (getline(&line, &room, maps) > 0) {
    uintptr_t begin, end;
    char permissions[5];
    if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &begin, &end, permissions) != 3) continue;
    if (permissions[3] != 'p' || strstr(line, "[v") != nullptr) continue;  // [vdso], [vvar], [vsyscall]
    madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DOFORK);
  }
  free(line);
  fclose(maps);
  return 0;
}

int thread_count() {
  int count = 0;
  const int error = for_each_number("/proc/self/task", [&](int) { count++; });
  return error < 0 ? error : count;
}

pid_t fork_process(const ForkRequest& request, Forked* forked) {
  sigset_t all;
  sigfillset(&all);
  // A signal that reached the child before its event loop has pipes of its own would be handled by the parent.
  pthread_sigmask(SIG_SETMASK, &all, &forked->mask);
  const pid_t pid = fork();
  if (pid == 0) {
    for (const int fd : request.close) close(fd);
    forked->dead_sockets = kill_other_sockets(request.keep);
    return 0;
  }
  const int error = errno;
  pthread_sigmask(SIG_SETMASK, &forked->mask, nullptr);
  errno = error;
  return pid;
}

}  // namespace forkful
