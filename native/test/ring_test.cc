// The core without Node: one program, so that it can be run under sanitizers and valgrind as it is.
#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "core/fault_point.h"
#include "core/memory_budget.h"
#include "core/ring.h"
#include "core/probe.h"
#include "test/block_test.h"
#include "test/mapping_test.h"
#include "test/check.h"
#include "test/deny.h"
#include "test/fault_test.h"
#include "test/hostile.h"
#include "test/ledger_test.h"
#include "test/named_test.h"
#include "test/parcel_test.h"
#include "test/storm_test.h"
#include "test/stress.h"

namespace {

using forkful::Deadline;
using forkful::Ring;
using forkful::Status;

const Deadline kPoll = Deadline::in_ms(0);

struct TestRing {
  explicit TestRing(const Ring::Limits& limits) : fd(forkful::create_shared_memory("test", Ring::region_bytes(limits.data_bytes))) {
    CHECK(fd >= 0);
    CHECK(ring.create(fd, 0, limits) == 0);
  }
  ~TestRing() { close(fd); }
  uint64_t real_bytes() const {
    struct stat file;
    fstat(fd, &file);
    return static_cast<uint64_t>(file.st_blocks) * 512;
  }
  int fd;
  Ring ring;
};

Ring::Limits small(uint64_t data_bytes = 1 << 16) {
  Ring::Limits limits;
  limits.data_bytes = data_bytes;
  return limits;
}

Status put(Ring& ring, const std::string& text, uint32_t tag = 1, const Deadline& deadline = kPoll) {
  const Ring::Record record{reinterpret_cast<const uint8_t*>(text.data()), static_cast<uint32_t>(text.size()), tag};
  uint32_t done;
  return deadline.is_poll() ? ring.try_put(&record, 1, &done, deadline) : ring.put(&record, 1, &done, deadline);
}

Status get(Ring& ring, std::string* text, const Deadline& deadline = kPoll) {
  static thread_local std::vector<uint8_t> into(1 << 20);
  Ring::Taken taken[1];
  uint32_t count;
  const Status status = deadline.is_poll() ? ring.try_get(into.data(), into.size(), 1, taken, &count, deadline)
                                           : ring.get(into.data(), into.size(), 1, taken, &count, deadline);
  if (status == Status::kOk) text->assign(reinterpret_cast<char*>(into.data()), taken[0].length);
  return status;
}

pid_t child(const std::function<void()>& act) {
  const pid_t pid = fork();
  if (pid == 0) {
    act();
    _exit(0);
  }
  return pid;
}

void reap(pid_t pid) {
  int status;
  CHECK(waitpid(pid, &status, 0) == pid);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

void order_and_counts() {
  TestRing t(small());
  std::string text;
  CHECK(get(t.ring, &text) == Status::kEmpty);
  CHECK(put(t.ring, "") == Status::kOk && put(t.ring, "a") == Status::kOk && put(t.ring, std::string(1000, 'x')) == Status::kOk);
  CHECK(t.ring.items() == 3);
  CHECK(get(t.ring, &text) == Status::kOk && text.empty());
  CHECK(get(t.ring, &text) == Status::kOk && text == "a");
  CHECK(get(t.ring, &text) == Status::kOk && text == std::string(1000, 'x'));
  CHECK(t.ring.items() == 0 && get(t.ring, &text) == Status::kEmpty);
}

void bounds() {
  Ring::Limits limits = small();
  limits.max_items = 2;
  TestRing items(limits);
  CHECK(put(items.ring, "1") == Status::kOk && put(items.ring, "2") == Status::kOk && put(items.ring, "3") == Status::kFull);
  CHECK(items.ring.full());
  limits = small();
  limits.max_bytes = 100;
  TestRing bytes(limits);
  CHECK(put(bytes.ring, std::string(500, 'x')) == Status::kOk);  // larger than the bound, but alone
  CHECK(put(bytes.ring, "y") == Status::kFull);
  std::string text;
  CHECK(get(bytes.ring, &text) == Status::kOk);
  CHECK(put(bytes.ring, std::string(40, 'x')) == Status::kOk && put(bytes.ring, std::string(60, 'x')) == Status::kFull);
  CHECK(put(bytes.ring, std::string(1 << 16, 'x')) == Status::kTooLarge);
}

// Records of all sizes through a ring that they do not divide, with the counters about to wrap.
void wrap_around() {
  for (const uint32_t first : {0u, UINT32_MAX - 100, UINT32_MAX - 4095}) {
    Ring::Limits limits = small(1 << 14);
    limits.first_count = first & ~511u;  // positions begin at a chunk
    TestRing t(limits);
    std::string text;
    uint32_t put_count = 0, got = 0;
    while (got < 20000) {
      while (put(t.ring, std::string(put_count * 7 % 613, static_cast<char>('a' + put_count % 26))) == Status::kOk) put_count++;
      CHECK(t.ring.items() == put_count - got);
      for (int i = 0; i < 9 && get(t.ring, &text) == Status::kOk; i++, got++) {
        CHECK(text == std::string(got * 7 % 613, static_cast<char>('a' + got % 26)));
      }
    }
  }
}

// An unbounded ring that is drained now and then stays small; one that grew gives its memory back.
void memory_returns() {
  TestRing t(small(uint64_t{1} << 32));
  std::string text;
  const std::string message(1000, 'm');
  for (int i = 0; i < 20000; i++) {
    CHECK(put(t.ring, message) == Status::kOk);
    CHECK(get(t.ring, &text) == Status::kOk);
  }
  CHECK(t.real_bytes() < (3u << 20));
  for (int lap = 0; lap < 3; lap++) {
    const int many = 100000;
    for (int i = 0; i < many; i++) CHECK(put(t.ring, message + std::to_string(i)) == Status::kOk);
    CHECK(t.real_bytes() > (90u << 20));
    for (int i = 0; i < many; i++) CHECK(get(t.ring, &text) == Status::kOk && text == message + std::to_string(i));
    CHECK(t.ring.items() == 0);
    // What is held (32 MiB at most) is given back now and then only: this lap may have ended just behind the last time.
    CHECK(t.real_bytes() < (40u << 20));
    usleep(110'000);
    CHECK(put(t.ring, message) == Status::kOk && get(t.ring, &text) == Status::kOk);
    CHECK(t.real_bytes() < (6u << 20));
  }
}

// More data in all than positions can tell apart (32 GiB in units of 8 bytes would take minutes: the counters start late).
void positions_wrap_with_restarts() {
  Ring::Limits limits = small(uint64_t{1} << 32);
  limits.first_count = UINT32_MAX - (1u << 19) + 1;
  TestRing t(limits);
  std::string text;
  const std::string message(5000, 'w');
  for (int i = 0; i < 20000; i++) {
    CHECK(put(t.ring, message + std::to_string(i)) == Status::kOk);
    if (i % 1000 == 999) {
      for (int k = i - 999; k <= i; k++) CHECK(get(t.ring, &text) == Status::kOk && text == message + std::to_string(k));
    }
  }
  CHECK(t.ring.items() == 0);
}

void batches() {
  TestRing t(small());
  const std::string text = "abc";
  std::vector<Ring::Record> records(10, {reinterpret_cast<const uint8_t*>(text.data()), 3, 7});
  uint32_t done, count;
  CHECK(t.ring.try_put(records.data(), 10, &done, kPoll) == Status::kOk && done == 10);
  uint8_t into[64];
  Ring::Taken taken[64];
  CHECK(t.ring.try_get(into, sizeof into, 64, taken, &count, kPoll) == Status::kOk);
  CHECK(count == 8);  // as many as the destination takes, each at a multiple of 8
  CHECK(taken[7].offset == 56 && taken[7].tag == 7 && memcmp(into + 56, "abc", 3) == 0);
  uint8_t tiny[2];
  CHECK(t.ring.try_get(tiny, sizeof tiny, 1, taken, &count, kPoll) == Status::kShort && taken[0].length == 3);
  CHECK(t.ring.items() == 2);
}

void timeouts() {
  Ring::Limits limits = small();
  limits.max_items = 1;
  TestRing t(limits);
  std::string text;
  const int64_t start = forkful::monotonic_ns();
  CHECK(get(t.ring, &text, Deadline::in_ms(20)) == Status::kEmpty);
  CHECK(put(t.ring, "1") == Status::kOk);
  CHECK(put(t.ring, "2", 1, Deadline::in_ms(20)) == Status::kFull);
  CHECK(forkful::monotonic_ns() - start >= 40'000'000);
}

// Two producers and two consumers in processes of their own; every message arrives once.
void many_to_many() {
  constexpr uint32_t kEach = 20000;
  Ring::Limits limits = small(1 << 14);
  TestRing t(limits);
  auto* seen = static_cast<std::atomic<uint32_t>*>(
      mmap(nullptr, 2 * kEach * sizeof(uint32_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  std::vector<pid_t> pids;
  for (uint32_t p = 0; p < 2; p++) {
    pids.push_back(child([&, p] {
      for (uint32_t i = 0; i < kEach; i++) CHECK(put(t.ring, std::to_string(p * kEach + i), 1, Deadline::never()) == Status::kOk);
    }));
  }
  for (int c = 0; c < 2; c++) {
    pids.push_back(child([&] {
      std::string text;
      for (uint32_t i = 0; i < kEach; i++) {
        CHECK(get(t.ring, &text, Deadline::never()) == Status::kOk);
        seen[std::stoul(text)].fetch_add(1);
      }
    }));
  }
  for (const pid_t pid : pids) reap(pid);
  for (uint32_t i = 0; i < 2 * kEach; i++) CHECK(seen[i] == 1);
  munmap(seen, 2 * kEach * sizeof(uint32_t));
}

// Users are killed at random; what was put before a put returned is received, nobody hangs, counts stay exact.
void random_kills(int kills) {
  struct Shared {
    std::atomic<uint64_t> returned, received, corrupt;
  };
  Ring::Limits limits = small(1 << 13);
  TestRing t(limits);
  auto* shared = static_cast<Shared*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  const auto produce = [&] {
    for (uint32_t i = 0;; i++) {
      CHECK(put(t.ring, std::string(i % 300, 'k'), i % 300, Deadline::never()) == Status::kOk);
      shared->returned++;
    }
  };
  const auto consume = [&] {
    std::vector<uint8_t> into(4096);
    Ring::Taken taken[8];
    uint32_t count;
    for (;;) {
      if (t.ring.get(into.data(), into.size(), 8, taken, &count, Deadline::never()) != Status::kOk) shared->corrupt++;
      for (uint32_t i = 0; i < count; i++) {
        if (taken[i].tag != taken[i].length || (taken[i].length > 0 && into[taken[i].offset] != 'k')) shared->corrupt++;
      }
      shared->received += count;
    }
  };
  pid_t pids[4];
  for (int i = 0; i < 4; i++) pids[i] = child(i < 2 ? std::function<void()>(produce) : consume);
  srand(1);
  for (int i = 0; i < kills; i++) {
    usleep(static_cast<useconds_t>(rand() % 1500));
    const int k = rand() % 4;
    kill(pids[k], SIGKILL);
    waitpid(pids[k], nullptr, 0);
    pids[k] = child(k < 2 ? std::function<void()>(produce) : consume);
  }
  const uint64_t before = shared->received;
  const int64_t end = forkful::monotonic_ns() + 10'000'000'000;
  while (shared->received == before) {
    CHECK(forkful::monotonic_ns() < end);  // nobody waits for ever
    usleep(1000);
  }
  for (const pid_t pid : {pids[0], pids[1]}) {
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
  }
  while (t.ring.items() != 0) {
    CHECK(forkful::monotonic_ns() < end);
    usleep(1000);
  }
  for (const pid_t pid : {pids[2], pids[3]}) {
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
  }
  CHECK(shared->corrupt == 0);
  CHECK(put(t.ring, "alive") == Status::kOk);
  munmap(shared, 4096);
}

// The event loop's way of waiting: armed under the opposite lock, told by an eventfd that nobody reads.
void events() {
  Ring::Limits limits = small();
  limits.max_items = 1;
  TestRing t(limits);
  const int not_empty = eventfd(0, EFD_NONBLOCK), not_full = eventfd(0, EFD_NONBLOCK);
  t.ring.set_events(not_empty, not_full);
  const auto count = [](int fd) {
    uint64_t value = 0;
    return read(fd, &value, sizeof value) == sizeof value ? value : 0;  // the test may read: nobody else waits
  };
  CHECK(t.ring.arm_not_empty(kPoll) == Status::kEmpty);
  CHECK(count(not_empty) == 0);
  CHECK(put(t.ring, "1") == Status::kOk && count(not_empty) == 1);
  CHECK(t.ring.arm_not_empty(kPoll) == Status::kOk);  // no need to wait
  CHECK(t.ring.arm_not_full(1, kPoll) == Status::kFull);
  std::string text;
  CHECK(get(t.ring, &text) == Status::kOk && count(not_full) == 1);
  CHECK(put(t.ring, "2") == Status::kOk && count(not_empty) == 0);  // nobody was armed
  close(not_empty);
  close(not_full);
}

// A child that gets the signal at the fault point.
pid_t child_with_fault(forkful::FaultPoint point, int signal, const std::function<void()>& act) {
  return child([&] {
    static forkful::FaultPlan plan;
    plan.faults[0].point = static_cast<uint32_t>(point);
    plan.faults[0].passes_left = 1;
    plan.faults[0].signal = signal;
    plan.faults[0].roles = forkful::fault_role;
    forkful::fault_plan = &plan;
    act();
  });
}

// A consumer that dies behind its commit leaves room that it had not given back: whoever needs it must find it, for no
// later take comes by in a ring that is empty.
void room_behind_the_dead() {
  for (const uint64_t bytes : {uint64_t{1} << 16, uint64_t{4} << 20}) {
    for (const auto point : {forkful::FaultPoint::get_committed, forkful::FaultPoint::reclaim_begun,
                             forkful::FaultPoint::reclaim_discarded}) {
      TestRing t(small(bytes));
      const std::string large(bytes / 2 - 64, 'l');
      CHECK(put(t.ring, large) == Status::kOk && put(t.ring, std::string(bytes / 4, 'q')) == Status::kOk);
      const pid_t consumer = child_with_fault(point, SIGKILL, [&] {
        std::vector<uint8_t> into(bytes);
        Ring::Taken taken[2];
        uint32_t count;
        CHECK(t.ring.get(into.data(), into.size(), 2, taken, &count, Deadline::never()) == Status::kOk && count == 2);
      });
      int status;
      CHECK(waitpid(consumer, &status, 0) == consumer && WIFSIGNALED(status));
      CHECK(t.ring.items() == 0);
      CHECK(put(t.ring, large, 1, Deadline::in_ms(10'000)) == Status::kOk);
    }
  }
}

// A consumer that is about to discard drained memory may sleep for a long time there: what producers write meanwhile
// must not lie in that memory, and is still there afterwards.
void memory_before_a_late_discard() {
  TestRing t(small(16 << 20));
  const std::string message(700'000, 'm');
  for (int i = 0; i < 8; i++) CHECK(put(t.ring, message) == Status::kOk);
  const pid_t consumer = child_with_fault(forkful::FaultPoint::reclaim_begun, SIGSTOP, [&] {
    std::vector<uint8_t> into(8 << 20);
    Ring::Taken taken[8];
    uint32_t count;
    CHECK(t.ring.get(into.data(), into.size(), 8, taken, &count, Deadline::never()) == Status::kOk && count == 8);
  });
  int status;
  CHECK(waitpid(consumer, &status, WUNTRACED) == consumer && WIFSTOPPED(status));
  CHECK(t.ring.items() == 0);
  for (int i = 0; i < 8; i++) CHECK(put(t.ring, message) == Status::kOk);
  CHECK(kill(consumer, SIGCONT) == 0);
  reap(consumer);
  std::string text;
  for (int i = 0; i < 8; i++) CHECK(get(t.ring, &text) == Status::kOk && text == message);
}

void hostile_bytes() {
  TestRing t(small());
  CHECK(put(t.ring, "abc") == Status::kOk);
  const uint32_t lie = 0x7fffffff;
  CHECK(pwrite(t.fd, &lie, sizeof lie, static_cast<off_t>(Ring::header_bytes())) == sizeof lie);
  std::string text;
  CHECK(get(t.ring, &text) == Status::kCorrupt);
  CHECK(put(t.ring, "x") == Status::kCorrupt);  // refused from then on
  TestRing other(small());
  Ring second;
  CHECK(second.attach(other.fd, 0) == 0);
  const uint64_t no_size = 12345;
  CHECK(pwrite(other.fd, &no_size, sizeof no_size, 16) == sizeof no_size);
  Ring third;
  CHECK(third.attach(other.fd, 0) == EPROTO);
}

void budget() { CHECK(forkful::available_memory() > 0); }

int open_descriptors() {
  int count = 0;
  for (int fd = 0; fd < 1024; fd++) count += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
  return count;
}

void probe() {
  const int before = open_descriptors();
  CHECK(forkful::probe(uint64_t{1} << 34).empty());
  CHECK(forkful::probe(uint64_t{1} << 60).find("mmap of 1073741824 GiB") == 0);
  CHECK(open_descriptors() == before);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 4 && std::string(argv[1]) == "stress") {
    forkful::test::stress(atof(argv[2]), static_cast<unsigned>(atoi(argv[3])));
    return 0;
  }
  if (argc > 3 && std::string(argv[1]) == "deny") {
    forkful::test::deny(argv[2], argv + 3);
    return 127;
  }
  const int kills = argc > 1 ? atoi(argv[1]) : 500;
  const std::string only = argc > 2 ? argv[2] : "";  // part of a test's name
  const std::pair<const char*, std::function<void()>> tests[] = {
      {"order and counts", order_and_counts},
      {"bounds", bounds},
      {"wrap around", wrap_around},
      {"memory returns", memory_returns},
      {"positions wrap with restarts", positions_wrap_with_restarts},
      {"batches", batches},
      {"timeouts", timeouts},
      {"many to many", many_to_many},
      {"threads", forkful::test::threads},
      {"threads and processes", forkful::test::threads_and_processes},
      {"signal storms", forkful::test::storms},
      {"random kills", [kills] { random_kills(kills); }},
      {"events", events},
      {"room behind the dead", room_behind_the_dead},
      {"memory before a late discard", memory_before_a_late_discard},
      {"fault points", forkful::test::fault_points},
      {"ledger", forkful::test::ledger},
      {"ledger fault points", forkful::test::ledger_fault_points},
      {"shut fault points", forkful::test::shut_fault_points},
      {"parcels", forkful::test::parcels},
      {"parcel fault points", forkful::test::parcel_fault_points},
      {"hostile bytes", hostile_bytes},
      {"hostile peers", [] { forkful::test::hostile(3000); }},
      {"memory budget", budget},
      {"blocks", forkful::test::blocks},
      {"lost wake-up", forkful::test::lost_wake_up},
      {"block locks", forkful::test::block_locks},
      {"mappings", forkful::test::mappings},
      {"names", forkful::test::names},
      {"names and kills", [kills] { forkful::test::name_traffic(kills); }},
      {"name fault points", forkful::test::name_fault_points},
      {"names and the stopped", forkful::test::names_and_the_stopped},
      {"probe", probe},
  };
  for (const auto& [name, test] : tests) {
    if (std::string(name).find(only) == std::string::npos) continue;
    alarm(120);  // nothing here may hang
    test();
    std::printf("ok %s\n", name);
    std::fflush(stdout);
  }
  return 0;
}
