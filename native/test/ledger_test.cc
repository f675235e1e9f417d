// Rings with a ledger, and rings that are shut: whoever dies at whatever step, the counts say who has taken what, and
// nobody waits for ever.
#include "test/ledger_test.h"

#include <poll.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include "core/fault_point.h"
#include "test/traffic.h"

namespace forkful::test {
namespace {

const Deadline kNow = Deadline::in_ms(0);
const Deadline kSoon = Deadline::in_ms(1000);

// A ring and what its users need beside it.
struct Bench {
  explicit Bench(bool has_ledger, uint32_t max_items = 0, uint32_t first_count = 0, uint64_t data_bytes = 4 << 20) {
    Ring::Limits limits;
    limits.data_bytes = data_bytes;
    limits.max_items = max_items;
    limits.first_count = first_count;
    limits.has_ledger = has_ledger;
    fd = create_shared_memory("test", Ring::region_bytes(limits.data_bytes, has_ledger));
    CHECK(fd >= 0 && ring.create(fd, 0, limits) == 0);
    header = static_cast<RingHeader*>(
        mmap(nullptr, Ring::header_bytes(has_ledger), PROT_READ, MAP_SHARED, fd, 0));
    CHECK(header != MAP_FAILED);
    for (int& event : events) event = eventfd(0, EFD_NONBLOCK);
    ring.set_events(events[0], events[1], events[2]);
    this->has_ledger = has_ledger;
  }
  ~Bench() {
    munmap(header, Ring::header_bytes(has_ledger));
    for (const int each : {fd, events[0], events[1], events[2]}) close(each);
  }

  Status put(uint32_t length = 5, const Deadline& deadline = kSoon) {
    const std::vector<uint8_t> bytes(length, 'p');
    const Ring::Record record{bytes.data(), length, 0};
    uint32_t done;
    return deadline.is_poll() ? ring.try_put(&record, 1, &done, deadline) : ring.put(&record, 1, &done, deadline);
  }
  Status get(uint32_t max = 1, uint32_t* count = nullptr, const Deadline& deadline = kSoon) {
    static std::vector<uint8_t> into(2 << 20);
    Ring::Taken taken[8];
    uint32_t ignored;
    return ring.get(into.data(), into.size(), max, taken, count == nullptr ? &ignored : count, deadline);
  }
  Cursor head() const { return Cursor::unpack(header->head); }
  Cursor tail() const { return Cursor::unpack(header->tail); }

  // Of the process, whether or not it lives; nothing if it has no slot.
  const Ledger::Account* account(pid_t pid) {
    count = ring.accounts(accounts, std::size(accounts));
    const auto* found = std::find_if(accounts, accounts + count,
                                     [pid](const auto& each) { return each.process.pid == static_cast<uint32_t>(pid); });
    return found == accounts + count ? nullptr : found;
  }

  int fd;
  int events[3];
  bool has_ledger;
  RingHeader* header;
  Ring ring;
  Ledger::Account accounts[Ledger::kSlots];
  uint32_t count = 0;
};

void expect_end(pid_t pid, bool killed) {
  int status;
  CHECK(waitpid(pid, &status, 0) == pid);
  CHECK(killed ? WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL : WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

void order(FaultPlan* plan, FaultPoint point, int pass) {
  plan->faults[0].point = static_cast<uint32_t>(point);
  plan->faults[0].passes_left = pass;
  plan->faults[0].signal = SIGKILL;
  plan->faults[0].roles = fault_role;
  fault_plan = plan;
}

bool wakes(int epoll) {
  epoll_event event;
  return epoll_wait(epoll, &event, 1, 10'000) == 1;
}

int watch(int event) {
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  epoll_event wanted{};
  wanted.events = EPOLLIN | EPOLLET;
  CHECK(epoll >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, event, &wanted) == 0);
  return epoll;
}

// Takes and is done, until it dies; `journal` says what it knows to have taken and done.
struct Journal {
  std::atomic<uint32_t> taken, done;
};

void die_working(Bench& bench, Journal& journal, FaultPoint point, int pass) {
  static FaultPlan plan;
  order(&plan, point, pass);
  for (;;) {
    uint32_t count = 0;
    if (bench.get(2, &count, Deadline::never()) != Status::kOk) _exit(3);
    journal.taken += count;
    for (uint32_t i = 0; i < count; i++) {
      if (bench.ring.finish(Deadline::never()) != Status::kOk) _exit(4);
      journal.done++;
    }
  }
}

// One that works and dies at the point, in a ring in which another one has taken something; then its survivors.
bool death_in_work(FaultPoint point, int pass) {
  constexpr uint32_t kRecords = 10;
  auto* journal = share<Journal>();
  Bench bench(true, 0, UINT32_MAX - 4 - 511);
  for (uint32_t i = 0; i < kRecords; i++) CHECK(bench.put(i == 3 ? 1'200'000 : 100) == Status::kOk);
  CHECK(bench.get() == Status::kOk);  // is not done with it yet

  const int told = watch(bench.events[2]);
  CHECK(bench.ring.arm_joined(kSoon) == Status::kFull);
  const pid_t worker = start([&] { die_working(bench, *journal, point, pass); });
  const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, worker, 0));
  CHECK(pidfd >= 0);
  // It either dies there, or comes to wait for more.
  CHECK(comes_true([&] {
    pollfd end{pidfd, POLLIN, 0};
    return poll(&end, 1, 0) == 1 || is_asleep(worker);
  }));
  pollfd end{pidfd, POLLIN, 0};
  const bool died = poll(&end, 1, 0) == 1;
  close(pidfd);
  if (!died) {
    test::end(worker);
    munmap(journal, sizeof *journal);
    close(told);
    return false;
  }
  expect_end(worker, true);

  // Who joins has been told of a new consumer, or learns of its death in another way; and then sees what it left.
  if (point != FaultPoint::claim_locked) CHECK(wakes(told));
  CHECK(bench.ring.arm_joined(kSoon) == Status::kFull);
  const uint32_t taken = bench.head().items - (UINT32_MAX - 4 - 511) - 1;
  const Ledger::Account* its = bench.account(worker);
  const int32_t balance = its == nullptr ? 0 : its->balance;
  CHECK(taken == journal->taken || taken - journal->taken <= 2);  // it could not say everything
  const auto most = static_cast<int32_t>(taken - journal->done);
  CHECK(balance == most || balance == most - 1);
  CHECK(its != nullptr || taken == 0);

  // Others do the rest; one finish for each that the dead one had, and not one more.
  uint32_t rest = 0;
  while (bench.ring.items() != 0) {
    CHECK(bench.get() == Status::kOk && bench.ring.finish(kSoon) == Status::kOk);
    rest++;
  }
  CHECK(rest == kRecords - 1 - taken);
  CHECK(bench.ring.finish(kSoon) == Status::kOk);  // for the first one
  for (int32_t i = 0; i < balance; i++) {
    CHECK(bench.ring.arm_joined(kSoon) == Status::kFull);
    CHECK(bench.ring.finish(kSoon) == Status::kOk);
  }
  CHECK(bench.ring.arm_joined(kSoon) == Status::kOk);
  CHECK(bench.ring.finish(kSoon) == Status::kEmpty);

  // All is balanced: the next one takes the place of the dead.
  CHECK(bench.account(worker) == nullptr || bench.account(worker)->balance == 0);
  CHECK(bench.account(getpid()) != nullptr && bench.account(getpid())->balance == 0);
  CHECK(bench.put() == Status::kOk);
  const pid_t next = start([&] { CHECK(bench.get() == Status::kOk && bench.ring.finish(kSoon) == Status::kOk); });
  expect_end(next, false);
  CHECK(bench.account(worker) == nullptr && bench.count == 2);
  munmap(journal, sizeof *journal);
  close(told);
  return true;
}

void shut_and_die(Bench& bench, bool drop, FaultPoint point) {
  static FaultPlan plan;
  order(&plan, point, 1);
  static_cast<void>(bench.ring.shut(drop, Deadline::never()));
}

// What a waiter does: until it is refused.
void wait_for_end(Bench& bench, bool puts, Waits waits) {
  const int epoll = watch(bench.events[puts ? 1 : 0]);
  for (;;) {
    Status status;
    if (waits == Waits::kByFutex) {
      status = puts ? bench.put(5, Deadline::never()) : bench.get(1, nullptr, Deadline::never());
    } else {
      uint32_t count;
      uint8_t into[64];
      Ring::Taken taken[1];
      status = puts ? bench.put(5, kNow) : bench.ring.try_get(into, sizeof into, 1, taken, &count, kNow);
      if (status == (puts ? Status::kFull : Status::kEmpty)) {
        status = puts ? bench.ring.arm_not_full(5, kNow) : bench.ring.arm_not_empty(kNow);
        if (status == Status::kFull || status == Status::kEmpty) {
          epoll_event event;
          epoll_wait(epoll, &event, 1, -1);
        }
        if (status != Status::kCorrupt) continue;
      }
      if (status == Status::kBusy) continue;
    }
    if (status == Status::kShut) _exit(0);
    if (status != Status::kOk) _exit(5);
  }
}

bool death_in_shut(FaultPoint point, bool drop, bool full) {
  Bench bench(true, full ? 2 : 0);
  if (full) CHECK(bench.put() == Status::kOk && bench.put() == Status::kOk);
  std::vector<pid_t> waiters;
  for (const Waits waits : {Waits::kByFutex, Waits::kByEventLoop, Waits::kByFutex}) {
    waiters.push_back(start([&bench, full, waits] { wait_for_end(bench, full, waits); }));
  }
  CHECK(comes_true([&] { return std::all_of(waiters.begin(), waiters.end(), is_asleep); }));
  const int told = watch(bench.events[2]);
  if (full) CHECK(bench.ring.arm_joined(kSoon) == Status::kFull);
  const pid_t shutter = start([&] { shut_and_die(bench, drop, point); });
  int status;
  CHECK(waitpid(shutter, &status, 0) == shutter);
  const bool died = WIFSIGNALED(status);

  // Before its commit nothing has happened: somebody else does it. Behind it nobody needs to.
  if (!bench.ring.is_shut()) {
    CHECK(point < FaultPoint::shut_committed);
    CHECK(bench.ring.shut(drop, kSoon) == Status::kOk);
  }
  for (const pid_t waiter : waiters) {
    int ended = 0;
    CHECK(comes_true([&] { return waitpid(waiter, &ended, WNOHANG) == waiter; }));
    CHECK(WIFEXITED(ended) && WEXITSTATUS(ended) == 0);
  }
  CHECK(bench.put(5, kNow) == Status::kShut);
  if (full && drop) {
    CHECK(bench.get() == Status::kShut && bench.ring.items() == 0);
    CHECK(wakes(told));
    CHECK(bench.ring.arm_joined(kSoon) == Status::kOk);
    CHECK(bench.ring.finish(kSoon) == Status::kEmpty);
  } else if (full) {
    uint32_t count;
    CHECK(bench.get(8, &count) == Status::kOk && count == 2);
    CHECK(bench.ring.arm_joined(kSoon) == Status::kFull);
    CHECK(bench.ring.finish(kSoon) == Status::kOk && bench.ring.finish(kSoon) == Status::kOk);
    CHECK(bench.ring.arm_joined(kSoon) == Status::kOk);
  }
  CHECK(bench.get() == Status::kShut);
  close(told);
  return died;
}

}  // namespace

void ledger() {
  // Counts, across the wrap.
  Bench bench(true, 0, UINT32_MAX - 511);
  CHECK(bench.ring.finish(kSoon) == Status::kEmpty && bench.ring.arm_joined(kSoon) == Status::kOk);
  for (int i = 0; i < 600; i++) CHECK(bench.put() == Status::kOk);
  for (int i = 0; i < 300; i++) CHECK(bench.get() == Status::kOk);
  CHECK(bench.account(getpid())->balance == 300);
  for (int i = 0; i < 600; i++) {
    CHECK(bench.ring.arm_joined(kSoon) == Status::kFull);
    CHECK(bench.ring.finish(kSoon) == Status::kOk);  // what is done may be got later
  }
  CHECK(bench.account(getpid())->balance == -300 && bench.ring.arm_joined(kSoon) == Status::kOk);
  CHECK(bench.ring.finish(kSoon) == Status::kEmpty);
  for (int i = 0; i < 300; i++) CHECK(bench.get() == Status::kOk);
  CHECK(bench.account(getpid())->balance == 0);
  // Who joins is told by the one who finishes the last record, not before.
  const int told = watch(bench.events[2]);
  CHECK(bench.put() == Status::kOk && bench.put() == Status::kOk && bench.get() == Status::kOk);
  CHECK(bench.get() == Status::kOk && bench.ring.arm_joined(kSoon) == Status::kFull);
  epoll_event event;
  epoll_wait(told, &event, 1, 0);  // what has been told before
  CHECK(bench.ring.finish(kSoon) == Status::kOk && epoll_wait(told, &event, 1, 0) == 0);
  CHECK(bench.ring.finish(kSoon) == Status::kOk && wakes(told));
  close(told);
  // Another mapping in the same process has the same account.
  Ring second;
  CHECK(second.attach(bench.fd, 0) == 0 && second.has_ledger());
  second.set_events(bench.events[0], bench.events[1], bench.events[2]);
  CHECK(bench.put() == Status::kOk && bench.get() == Status::kOk && second.finish(kSoon) == Status::kOk);
  CHECK(bench.account(getpid())->balance == 0 && bench.count == 1);

  // Processes that come and go share one slot; those that leave something keep theirs, until the table is full.
  const auto visit = [&](bool is_done) {
    CHECK(bench.put() == Status::kOk);
    const pid_t pid = start([&] {
      const Status status = bench.get();
      if (status == Status::kCrowded) _exit(9);
      CHECK(status == Status::kOk);
      if (is_done) CHECK(bench.ring.finish(kSoon) == Status::kOk);
    });
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    return WEXITSTATUS(status);
  };
  for (int i = 0; i < 20; i++) CHECK(visit(true) == 0);
  bench.account(0);
  CHECK(bench.count == 2);
  for (uint32_t i = 0; i < Ledger::kSlots - 2; i++) CHECK(visit(false) == 0);
  CHECK(visit(false) == 9);
  CHECK(bench.ring.items() == 1 && bench.get() == Status::kOk && bench.ring.finish(kSoon) == Status::kOk);
  CHECK(bench.ring.finish(kSoon) == Status::kOk);  // for one of the dead, whose slot is free now
  CHECK(visit(true) == 0);

  // A table that somebody has overwritten is not believed.
  const uint32_t lie = UINT32_MAX;
  const auto place = static_cast<off_t>(sizeof(RingHeader));
  CHECK(pwrite(bench.fd, &lie, sizeof lie, place) == sizeof lie);
  CHECK(pwrite(bench.fd, &lie, sizeof lie, place + 4) == sizeof lie);
  CHECK(bench.put() == Status::kOk && bench.get() == Status::kOk);
  static_cast<void>(bench.ring.finish(kSoon));
  bench.account(0);
}

void ledger_fault_points() {
  const auto reach = [](uint32_t point) {
    uint32_t deaths = 0;
    for (const int pass : {1, 2}) deaths += death_in_work(static_cast<FaultPoint>(point), pass);
    return deaths;
  };
  for (uint32_t i = kFirstOfLedger; i < kFirstOfShut; i++) {
    if (reach(i) != 0) continue;
    std::fprintf(stderr, "nobody was killed at the fault point %s\n", kFaultPointNames[i]);
    CHECK(false);
  }
  for (const auto point : {FaultPoint::get_locked, FaultPoint::get_copied, FaultPoint::get_woken,
                           FaultPoint::get_committed, FaultPoint::get_reclaimed, FaultPoint::get_unlocked,
                           FaultPoint::reclaim_begun, FaultPoint::reclaim_discarded}) {
    CHECK(reach(static_cast<uint32_t>(point)) != 0);
  }
}

void shut_fault_points() {
  for (uint32_t i = kFirstOfShut; i < kFirstOfName; i++) {
    uint32_t deaths = 0;
    for (const bool drop : {false, true}) {
      for (const bool full : {false, true}) deaths += death_in_shut(static_cast<FaultPoint>(i), drop, full);
    }
    if (deaths != 0) continue;
    std::fprintf(stderr, "nobody was killed at the fault point %s\n", kFaultPointNames[i]);
    CHECK(false);
  }
  for (const auto point : {FaultPoint::wake_flag_cleared, FaultPoint::wake_sequence_bumped,
                           FaultPoint::wake_sleepers_woken, FaultPoint::wake_disarmed, FaultPoint::wake_event_written}) {
    for (const bool drop : {false, true}) {
      for (const bool full : {false, true}) CHECK(death_in_shut(point, drop, full));
    }
  }
}

}  // namespace forkful::test
