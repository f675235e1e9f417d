// Blocks of shared memory, their locks and their names, without Node.
#include "test/block_test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "core/memory_budget.h"
#include "core/named_file.h"
#include "core/shared_block.h"
#include "core/shared_memory.h"
#include "test/check.h"

namespace forkful::test {
namespace {

using Outcome = RobustMutex::Outcome;

pid_t start(const std::function<void()>& act) {
  const pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) {
    alarm(60);
    act();
    _exit(0);
  }
  return pid;
}

int status_of(pid_t pid) {
  int status;
  CHECK(waitpid(pid, &status, 0) == pid);
  return status;
}

// Of this run: others may run at the same time.
std::string name(const std::string& what) { return "test-" + std::to_string(getpid()) + "-" + what; }

int create_named(const std::string& file, uint64_t bytes, uint32_t kind) {
  return create_named_file(file, [&](int fd) { return initialise_block(fd, bytes, kind); });
}

bool exists(const std::string& file) {
  return access((named_files_directory() + "/" + file).c_str(), F_OK) == 0;
}

void remove_by_force(const std::string& file) {
  CHECK(remove_named_file(file, [](int) { return true; }) == 0);
}

void hostile_blocks() {
  const auto refused = [](int fd) {
    CHECK(fd >= 0);
    SharedBlock block;
    CHECK(block.attach(fd) == -EPROTO);
  };
  int ends[2];
  CHECK(pipe(ends) == 0);
  refused(ends[0]);
  close(ends[1]);
  refused(create_shared_memory("test", 0));
  refused(create_shared_memory("test", 4096));
  for (size_t offset = 0; offset < 24; offset += 8) {  // magic, version and kind, size
    const int fd = create_block(100, 1);
    const uint64_t huge = UINT64_MAX;
    CHECK(pwrite(fd, &huge, sizeof huge, static_cast<off_t>(offset)) == sizeof huge);
    refused(fd);
  }
  // Made by another C library, or with pointers of another size.
  for (const uint32_t bit : {1u, 4u, 1u << 16}) {
    const int foreign = create_block(100, 1);
    const uint32_t abi = kAbi ^ bit;
    CHECK(pwrite(foreign, &abi, sizeof abi, offsetof(BlockHeader, abi)) == sizeof abi);
    refused(foreign);
  }
  const int fd = create_block(100, 1);
  const uint64_t more = 1 << 20;
  CHECK(pwrite(fd, &more, sizeof more, 16) == sizeof more);
  refused(fd);
}

}  // namespace

void blocks() {
  const int fd = create_block(10'000, 7);
  CHECK(fd >= 0);
  struct stat file;
  CHECK(fstat(fd, &file) == 0 && static_cast<uint64_t>(file.st_blocks) * 512 >= 10'000);
  CHECK(ftruncate(fd, 0) != 0 && errno == EPERM);
  SharedBlock first, second;
  CHECK(second.attach(dup(fd)) == 0 && first.attach(fd) == 0);
  CHECK(first.bytes() == 10'000 && first.kind() == 7 && first.id() == second.id() && first.id() != 0);
  for (uint64_t i = 0; i < first.bytes(); i++) CHECK(first.data()[i] == 0);
  second.data()[9'999] = 5;
  CHECK(first.data()[9'999] == 5);

  // Late accesses are harmless, and seen by nobody.
  first.retire();
  CHECK(first.descriptor() == -1 && first.data()[9'999] == 0);
  first.data()[9'999] = 6;
  CHECK(second.data()[9'999] == 5);
  first.retire();

  SharedBlock empty;
  CHECK(empty.attach(create_block(0, 0)) == 0 && empty.bytes() == 0);
  CHECK(create_block(UINT64_MAX, 0) == -ENOMEM);
  CHECK(create_block(uint64_t{1} << 50, 0) == -ENOMEM);
  CHECK(!memory_allows(UINT64_MAX) && memory_allows(1));
  hostile_blocks();
}

void block_locks() {
  const int fd = create_block(8, 0);
  SharedBlock block;
  CHECK(block.attach(fd) == 0);
  const auto poll = Deadline::in_ms(0);
  CHECK(block.lock(poll) == Outcome::kLocked && block.lock(poll) == Outcome::kLocked);  // it nests
  block.unlock();
  std::thread([fd] {
    SharedBlock other;
    CHECK(other.attach(dup(fd)) == 0);
    CHECK(other.lock(Deadline::in_ms(0)) == Outcome::kTimedOut);
    CHECK(other.lock(Deadline::in_ms(20)) == Outcome::kTimedOut);
  }).join();
  block.unlock();

  // A holder that is killed, and one that ends in the middle of it with the block's owner gone.
  for (const bool destroys : {false, true}) {
    const pid_t pid = start([fd, destroys] {
      auto* other = new SharedBlock();
      CHECK(other->attach(dup(fd)) == 0);
      CHECK(other->lock(Deadline::never()) == Outcome::kLocked);
      if (destroys) {
        other->retire();
        delete other;
        _exit(0);
      }
      kill(getpid(), SIGKILL);
    });
    status_of(pid);
    CHECK(block.lock(Deadline::in_ms(1000)) == Outcome::kOwnerDied);
    block.unlock();
    CHECK(block.lock(Deadline::in_ms(1000)) == Outcome::kLocked);
    block.unlock();
  }

  // Given back while held: as long as it is held it is the shared one.
  SharedBlock held;
  CHECK(held.attach(dup(fd)) == 0 && held.lock(poll) == Outcome::kLocked);
  held.retire();
  held.data()[0] = 9;
  CHECK(block.data()[0] == 9);
  held.unlock();
  CHECK(held.data()[0] == 0 && block.lock(poll) == Outcome::kLocked);
  block.unlock();

  // Exact between processes.
  auto* count = reinterpret_cast<volatile uint64_t*>(block.data());
  *count = 0;
  std::vector<pid_t> pids;
  for (int i = 0; i < 4; i++) {
    pids.push_back(start([&] {
      for (int k = 0; k < 20'000; k++) {
        CHECK(block.lock(Deadline::never()) == Outcome::kLocked);
        *count = *count + 1;
        block.unlock();
      }
    }));
  }
  for (const pid_t pid : pids) CHECK(status_of(pid) == 0);
  CHECK(*count == 80'000);
}

void names() {
  const std::string file = name("a");
  CHECK(open_named_file(file) == -ENOENT);
  const int fd = create_named(file, 100, 3);
  CHECK(fd >= 0);
  struct stat status;
  CHECK(fstat(fd, &status) == 0 && (status.st_mode & 07777) == 0600 && status.st_uid == geteuid());
  CHECK(stat(named_files_directory().c_str(), &status) == 0 && (status.st_mode & 07777) == 0700);
  CHECK(create_named(file, 100, 3) == -EEXIST);
  const int second = open_named_file(file);
  CHECK(second >= 0 && block_id(second) == block_id(fd));

  // A mapping apart is no use of the name, and rings through the descriptor.
  {
    const std::string lent = name("lent");
    const int lent_fd = create_named(lent, 100, 3);
    SharedBlock apart;
    CHECK(apart.attach(dup(lent_fd), true) == 0);
    const int bells = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    CHECK(inotify_add_watch(bells, (named_files_directory() + "/" + lent).c_str(), IN_MODIFY) >= 0);
    apart.data()[0] = 1;
    inotify_event event;
    CHECK(read(bells, &event, sizeof event) < 0 && errno == EAGAIN);
    apart.ring();
    CHECK(read(bells, &event, sizeof event) == sizeof event);
    close(bells);
    close(lent_fd);
    give_up_file(apart.descriptor(), lent);
    CHECK(!exists(lent) && apart.data()[0] == 1);
  }

  // In use, by whichever descriptor: it stays.
  close(fd);
  remove_unused_files();
  CHECK(exists(file) && create_named(file, 100, 3) == -EEXIST);

  // Taken away, it is its users' still, and the name is free for another one, which the first one's users do not remove.
  const uint64_t id = block_id(second);
  const auto is_first = [id](int candidate) { return block_id(candidate) == id; };
  CHECK(remove_named_file(file, is_first) == 0 && !exists(file) && block_id(second) == id);
  const int other = create_named(file, 100, 3);
  CHECK(other >= 0 && block_id(other) != id);
  CHECK(remove_named_file(file, is_first) == 0 && exists(file));
  close(second);

  // Nobody's: makes way, is removed.
  close(other);
  const int third = create_named(file, 100, 3);
  CHECK(third >= 0);
  close(third);
  remove_unused_files();
  CHECK(!exists(file));

  // Nothing is left of what could not be made.
  CHECK(create_named(file, uint64_t{1} << 50, 3) == -ENOMEM && !exists(file));

  // Whoever is about to remove it has it to himself: it is as good as gone.
  close(create_named(file, 100, 3));
  const int remover = open((named_files_directory() + "/" + file).c_str(), O_RDWR);
  CHECK(flock(remover, LOCK_EX | LOCK_NB) == 0);
  CHECK(open_named_file(file) == -ENOENT);
  close(remover);
  remove_by_force(file);

  // Not this user's alone, or no file.
  close(create_named(file, 100, 3));
  const std::string path = named_files_directory() + "/" + file;
  CHECK(chmod(path.c_str(), 0644) == 0 && open_named_file(file) == -EPERM);
  CHECK(unlink(path.c_str()) == 0 && symlink("/etc/passwd", path.c_str()) == 0);
  CHECK(open_named_file(file) == -EPERM);
  CHECK(create_named(file, 100, 3) == -EEXIST);
  CHECK(unlink(path.c_str()) == 0);
}

// Processes that create, use and take away the same few names are killed at random. What has a name is whole; what
// somebody uses and nobody has taken away keeps its name; when all are dead nothing is left.
void name_traffic(int kills) {
  constexpr int kProcesses = 4, kNames = 2;
  std::string kept[kNames], taken[kNames];
  for (int i = 0; i < kNames; i++) {
    kept[i] = name("kept" + std::to_string(i));
    taken[i] = name("taken" + std::to_string(i));
  }
  const auto act = [&](unsigned seed) {
    srand(seed);
    for (;;) {
      const bool stays = rand() % 2 == 0;
      const std::string& file = (stays ? kept : taken)[rand() % kNames];
      const int fd = rand() % 2 == 0 ? create_named(file, 64, 5) : open_named_file(file);
      if (fd < 0) {
        CHECK(fd == -EEXIST || fd == -ENOENT);
        continue;
      }
      SharedBlock block;
      CHECK(block.attach(fd) == 0 && block.bytes() == 64 && block.kind() == 5);
      const auto is_this = [&block](int candidate) { return block_id(candidate) == block.id(); };
      if (rand() % 4 == 0) remove_unused_files();
      if (stays) {
        const int again = open_named_file(file);
        CHECK(again >= 0 && is_this(again));
        close(again);
      } else {
        CHECK(remove_named_file(file, is_this) == 0);
      }
    }
  };
  pid_t pids[kProcesses] = {};
  for (int i = 0; i < kills; i++) {
    pid_t& pid = pids[i % kProcesses];
    if (pid != 0) {
      kill(pid, SIGKILL);
      const int status = status_of(pid);
      CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    }
    pid = start([&, i] { act(static_cast<unsigned>(i)); });
    usleep(static_cast<useconds_t>(500 + rand() % 2000));
  }
  for (const pid_t pid : pids) {
    if (pid == 0) continue;
    kill(pid, SIGKILL);
    const int status = status_of(pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  }
  remove_unused_files();
  for (int i = 0; i < kNames; i++) CHECK(!exists(kept[i]) && !exists(taken[i]));
}

}  // namespace forkful::test
