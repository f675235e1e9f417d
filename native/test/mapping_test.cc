#include "test/mapping_test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

#include "test/check.h"
#include "core/futex_word.h"
#include "core/mapping.h"

namespace forkful::test {
namespace {

// What is no file of ours, or could shrink under a reader, is refused before it is mapped.
void refused() {
  CHECK(create_mapping(0) == -ENOMEM);
  int fds[2];
  CHECK(pipe2(fds, O_CLOEXEC) == 0);
  close(fds[1]);
  CHECK(Mapping().attach(fds[0]) == -EPROTO);
  const int unsealed = memfd_create("unsealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  CHECK(unsealed >= 0 && ftruncate(unsealed, 4096) == 0);
  CHECK(Mapping().attach(unsealed) == -EPROTO);
  CHECK(Mapping().attach(-1) == -EBADF);
}

void advice_and_bounds(Mapping& mapping) {
  const uint64_t bytes = mapping.bytes();
  mapping.data()[bytes - 1] = 1;
  CHECK(mapping.advise(bytes + 1, 0, MADV_NORMAL) == EINVAL);
  CHECK(mapping.advise(1, bytes, MADV_NORMAL) == EINVAL);
  CHECK(mapping.advise(1, UINT64_MAX, MADV_NORMAL) == EINVAL);
  CHECK(mapping.advise(1, 10, MADV_REMOVE) == 0 && mapping.data()[bytes - 1] == 1);
  CHECK(mapping.advise(0, bytes, MADV_REMOVE) == 0 && mapping.data()[bytes - 1] == 0);
  CHECK(mapping.reserve() == 0);
}

void word_between_threads(uint32_t* word) {
  CHECK(wait_on_word(word, 1, Deadline::never()) == WordWait::kNotEqual);
  CHECK(wait_on_word(word, 0, Deadline::in_ms(0)) == WordWait::kTimedOut);
  CHECK(wait_on_word(word, 0, Deadline::in_ms(5)) == WordWait::kTimedOut);
  CHECK(futex_wake(word, 1) == 0);
  uint32_t seen = 0;
  std::thread sleeper([&] {
    while (__atomic_load_n(word, __ATOMIC_SEQ_CST) == 0) wait_on_word(word, 0, Deadline::never());
    seen = __atomic_load_n(word, __ATOMIC_SEQ_CST);
  });
  __atomic_store_n(word, 7, __ATOMIC_SEQ_CST);
  futex_wake(word, 1);
  sleeper.join();
  CHECK(seen == 7);
}

// A waiter that is killed is not among those that are woken any more.
void killed_waiter(uint32_t* word) {
  __atomic_store_n(word, 0, __ATOMIC_SEQ_CST);
  const pid_t child = fork();
  if (child == 0) {
    wait_on_word(word, 0, Deadline::never());
    _exit(0);
  }
  CHECK(child > 0 && kill(child, SIGKILL) == 0);
  int status;
  CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
  CHECK(futex_wake(word, 100) == 0);
}

}  // namespace

void mappings() {
  refused();
  Mapping mapping;
  const int fd = create_mapping(10'000);
  CHECK(fd >= 0);
  CHECK(mapping.attach(fd) == 0 && mapping.bytes() == 10'000);
  advice_and_bounds(mapping);
  auto* word = reinterpret_cast<uint32_t*>(mapping.data());
  word_between_threads(word);
  killed_waiter(word);
  *word = 9;
  mapping.retire();
  CHECK(*word == 0 && mapping.descriptor() == -1);
}

}  // namespace forkful::test
