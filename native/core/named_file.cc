#include "core/named_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "core/deadline.h"
#include "core/fault_point.h"

namespace forkful {
namespace {

// How long one waits for others, who need microseconds unless they are stopped.
constexpr double kPatienceMs = 1000;
constexpr useconds_t kPauseUs = 200;

// A descriptor, or the -errno of the call that should have given one.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

int open_directory(bool create) {
  const std::string path = named_files_directory();
  if (create && mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return errno == ENOENT ? -EOPNOTSUPP : -errno;
  if (create) FAULT_POINT(name_directory_made);
  Descriptor directory(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (directory.get() < 0) return errno == ENOTDIR || errno == ELOOP ? -EPERM : -errno;
  struct stat status;
  if (fstat(directory.get(), &status) != 0) return -errno;
  if (status.st_uid != geteuid() || (status.st_mode & 0077) != 0) return -EPERM;
  return directory.release();
}

// Nobody has it as long as it is empty. It may go at any time: whoever needs it makes it again.
void remove_directory_if_empty() {
  rmdir(named_files_directory().c_str());
  FAULT_POINT(name_directory_removed);
}

int open_file(int directory, const std::string& file) {
  const int fd = openat(directory, file.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return errno == ELOOP || errno == EISDIR || errno == ENXIO ? -EPERM : -errno;
  return fd;
}

bool leads_to(int directory, const std::string& file, int fd) {
  struct stat by_name, by_descriptor;
  return fstatat(directory, file.c_str(), &by_name, AT_SYMLINK_NOFOLLOW) == 0 && fstat(fd, &by_descriptor) == 0 &&
         by_name.st_ino == by_descriptor.st_ino && by_name.st_dev == by_descriptor.st_dev;
}

// `fd` is an opening of its own: the lock belongs to that.
bool lock_name(int fd) {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_len = 1;
  return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

enum class Removal { kDone, kInUse, kOthersAreAtIt };

Removal remove_if_unused(int directory, const std::string& file) {
  const Descriptor fd(open_file(directory, file));
  if (fd.get() == -ENOENT) return Removal::kDone;
  if (fd.get() < 0) return Removal::kInUse;
  FAULT_POINT(name_found);
  // First: only who has this lock tries for the exclusive one, so what stands in that one's way are users. The other way
  // round, two that come for the same orphan would take each other for its users, and the second would go on to use it.
  if (!lock_name(fd.get())) return Removal::kOthersAreAtIt;
  FAULT_POINT(name_locked);
  if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return Removal::kInUse;
  FAULT_POINT(name_proved_unused);
  // Who wants to use it now cannot have the shared lock, and looks again.
  if (!leads_to(directory, file, fd.get())) return Removal::kOthersAreAtIt;
  if (unlinkat(directory, file.c_str(), 0) != 0) return Removal::kInUse;
  FAULT_POINT(name_taken_away);
  return Removal::kDone;
}

// Nameless and locked; -ENOENT: the directory is gone.
int make_file(const std::string& file, const std::function<int(int fd)>& fill) {
  const Descriptor directory(open_directory(true));
  if (directory.get() < 0) return directory.get();
  // Before memory is made real in vain.
  if (remove_if_unused(directory.get(), file) == Removal::kInUse) return -EEXIST;
  Descriptor fd(openat(directory.get(), ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (fd.get() < 0) return errno == EISDIR ? -EOPNOTSUPP : -errno;
  FAULT_POINT(name_file_made);
  if (fchmod(fd.get(), 0600) != 0 || flock(fd.get(), LOCK_SH | LOCK_NB) != 0) return -errno;
  FAULT_POINT(name_file_used);
  if (const int error = fill(fd.get())) return error;
  FAULT_POINT(name_file_filled);
  return fd.release();
}

// 0, -EAGAIN: look again; or -errno.
int give_name(int fd, const std::string& file) {
  const Descriptor directory(open_directory(true));
  if (directory.get() < 0) return directory.get() == -ENOENT ? -EAGAIN : directory.get();
  const std::string source = "/proc/self/fd/" + std::to_string(fd);
  if (linkat(AT_FDCWD, source.c_str(), directory.get(), file.c_str(), AT_SYMLINK_FOLLOW) == 0) {
    FAULT_POINT(name_given);
    return 0;
  }
  if (errno == ENOENT) return -EAGAIN;  // the directory went, being empty
  if (errno != EEXIST) return -errno;
  return remove_if_unused(directory.get(), file) == Removal::kInUse ? -EEXIST : -EAGAIN;
}

// A descriptor, -EAGAIN: look again; or -errno.
int use_file(int directory, const std::string& file) {
  Descriptor fd(open_file(directory, file));
  if (fd.get() < 0) return fd.release();
  FAULT_POINT(name_opened);
  struct stat status;
  if (fstat(fd.get(), &status) != 0) return -errno;
  if (!S_ISREG(status.st_mode) || status.st_uid != geteuid() || (status.st_mode & 0077) != 0) return -EPERM;
  // Not to be had: somebody is about to remove it. Had, but without the name: somebody has.
  if (flock(fd.get(), LOCK_SH | LOCK_NB) != 0) return errno == EWOULDBLOCK ? -EAGAIN : -errno;
  FAULT_POINT(name_used);
  return leads_to(directory, file, fd.get()) ? fd.release() : -EAGAIN;
}

template <typename Attempt>
int patiently(const Attempt& attempt, int error_at_last) {
  const Deadline deadline = Deadline::in_ms(kPatienceMs);
  for (;; usleep(kPauseUs)) {
    const int result = attempt();
    if (result != -EAGAIN) return result;
    if (deadline.passed()) return error_at_last;
  }
}

}  // namespace

std::string named_files_directory() { return "/dev/shm/forkful-" + std::to_string(geteuid()); }

int create_named_file(const std::string& file, const std::function<int(int fd)>& fill) {
  Descriptor fd(patiently(
      [&] {
        const int made = make_file(file, fill);
        return made == -ENOENT ? -EAGAIN : made;
      },
      -ENOENT));
  if (fd.get() < 0) {
    remove_directory_if_empty();
    return fd.get();
  }
  const int error = patiently([&] { return give_name(fd.get(), file); }, -EBUSY);
  if (error == 0) return fd.release();
  remove_directory_if_empty();
  return error;
}

int open_named_file(const std::string& file) {
  return patiently(
      [&] {
        const Descriptor directory(open_directory(false));
        return directory.get() < 0 ? directory.get() : use_file(directory.get(), file);
      },
      -ENOENT);
}

int remove_named_file(const std::string& file, const std::function<bool(int fd)>& is_meant) {
  const int error = patiently(
      [&] {
        const Descriptor directory(open_directory(false));
        if (directory.get() < 0) return directory.get();
        const Descriptor fd(open_file(directory.get(), file));
        if (fd.get() < 0) return fd.get();
        if (!is_meant(fd.get())) return -ENOENT;
        if (!lock_name(fd.get()) || !leads_to(directory.get(), file, fd.get())) return -EAGAIN;
        FAULT_POINT(name_proved_meant);
        if (unlinkat(directory.get(), file.c_str(), 0) != 0) return -errno;
        FAULT_POINT(name_taken_away);
        return 0;
      },
      -EBUSY);
  if (error == 0) remove_directory_if_empty();
  return error == -ENOENT ? 0 : error;
}

void remove_unused_file(const std::string& file) {
  const Descriptor directory(open_directory(false));
  if (directory.get() < 0) return;
  // Others may just be finding that it is in use, by the one who leaves now.
  patiently([&] { return remove_if_unused(directory.get(), file) == Removal::kOthersAreAtIt ? -EAGAIN : 0; }, 0);
  remove_directory_if_empty();
}

void give_up_file(int fd, const std::string& file) {
  // The lock is the opening's, and others may have this very opening: children, who got the queue from here, and messages
  // on their way. So it is not taken over from them; the descriptor leads to an opening without a lock from now on.
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  const Descriptor unlocked(open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (unlocked.get() < 0 || dup3(unlocked.get(), fd, O_CLOEXEC) < 0) return;
  FAULT_POINT(name_given_up);
  remove_unused_file(file);
}

void remove_unused_files() {
  const Descriptor directory(open_directory(false));
  if (directory.get() < 0) return;
  DIR* listing = fdopendir(fcntl(directory.get(), F_DUPFD_CLOEXEC, 0));
  if (listing == nullptr) return;
  std::vector<std::string> files;
  while (const dirent* entry = readdir(listing)) {
    if (entry->d_name[0] != '.') files.emplace_back(entry->d_name);
  }
  closedir(listing);
  for (const std::string& file : files) remove_if_unused(directory.get(), file);
  remove_directory_if_empty();
}

}  // namespace forkful
