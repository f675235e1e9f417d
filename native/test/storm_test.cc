#include "test/storm_test.h"

#include <sys/time.h>

#include <thread>

#include "core/shared_block.h"
#include "test/traffic.h"

namespace forkful::test {
namespace {

constexpr uint32_t kProducers = 2, kConsumers = 2, kEach = 3000;
constexpr int64_t kMs = 1'000'000;

uint32_t lengths(uint32_t producer, uint32_t sequence) {
  return sequence % 100 == 0 ? 200'000 : 16 + (sequence * 37 + producer) % 300;
}

volatile sig_atomic_t interruptions = 0;

// A signal whose handler lets no call restart, every 100 us of this process.
void begin_storm() {
  struct sigaction action = {};
  action.sa_handler = [](int) { interruptions = interruptions + 1; };
  CHECK(sigaction(SIGALRM, &action, nullptr) == 0);
  const timeval often{0, 100};
  const itimerval timer{often, often};
  CHECK(setitimer(ITIMER_REAL, &timer, nullptr) == 0);
}

void end_storm() {
  const itimerval never{};
  CHECK(setitimer(ITIMER_REAL, &never, nullptr) == 0);
  CHECK(interruptions > 10);
}

void reap(pid_t pid) {
  int status;
  CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

Ring::Limits few() {
  Ring::Limits limits;
  limits.data_bytes = 4 << 20;
  limits.max_items = 2;
  return limits;
}

// A wait is as long as it is, however often it is interrupted.
void wait_in_storm() {
  Ring::Limits limits = few();
  Traffic traffic(limits, 1, 1, 8, lengths);
  begin_storm();
  uint8_t into[64];
  Ring::Taken taken;
  uint32_t count;
  int64_t begin = monotonic_ns();
  CHECK(traffic.ring.get(into, sizeof into, 1, &taken, &count, Deadline::in_ms(100)) == Status::kEmpty);
  CHECK(monotonic_ns() - begin >= 100 * kMs && monotonic_ns() - begin < 5000 * kMs);
  const Ring::Record record{into, 8, 0};
  while (traffic.ring.try_put(&record, 1, &count, Deadline::in_ms(0)) == Status::kOk) continue;
  begin = monotonic_ns();
  CHECK(traffic.ring.put(&record, 1, &count, Deadline::in_ms(100)) == Status::kFull);
  CHECK(monotonic_ns() - begin >= 100 * kMs && monotonic_ns() - begin < 5000 * kMs);
  // Whose pages the kernel makes in one call, which a signal ends.
  const int block = create_block(uint64_t{64} << 20, 1);
  CHECK(block >= 0);
  close(block);
  end_storm();
}

}  // namespace

void storms() {
  reap(start(wait_in_storm));
  Traffic traffic(few(), kProducers, kConsumers, kEach, lengths);
  std::vector<pid_t> producers, consumers;
  // One of each waits by futex, the other by event loop.
  const auto waits = [](uint32_t member) { return member == 0 ? Waits::kByFutex : Waits::kByEventLoop; };
  for (uint32_t c = 0; c < kConsumers; c++) {
    consumers.push_back(start([&, c] {
      begin_storm();
      traffic.consume(c, waits(c));
      end_storm();
    }));
  }
  for (uint32_t p = 0; p < kProducers; p++) {
    producers.push_back(start([&, p] {
      begin_storm();
      traffic.produce(p, kEach, waits(p));
      end_storm();
    }));
  }
  for (const pid_t pid : producers) reap(pid);
  CHECK(traffic.ring.shut(false, Deadline::never()) == Status::kOk);
  for (const pid_t pid : consumers) reap(pid);
  CHECK(traffic.received() == kProducers * kEach && traffic.is_sound() && traffic.account().lost == 0);
}

void threads_and_processes() {
  Traffic traffic(few(), 2 * kProducers, 2 * kConsumers, kEach, lengths);
  std::vector<pid_t> processes;
  const auto waits = [](uint32_t member) { return member < 2 ? Waits::kByFutex : Waits::kByEventLoop; };
  for (uint32_t i = 0; i < kProducers; i++) {
    processes.push_back(start([&, i] { traffic.produce(2 * i, kEach, waits(2 * i)); }));
    processes.push_back(start([&, i] { traffic.consume(2 * i, waits(2 * i)); }));
  }
  const pid_t with_threads = start([&] {
    std::vector<std::thread> threads;
    for (uint32_t i = 0; i < kProducers; i++) {
      threads.emplace_back([&, i] { traffic.produce(2 * i + 1, kEach, waits(2 * i + 1)); });
      threads.emplace_back([&, i] { traffic.consume(2 * i + 1, waits(2 * i + 1)); });
    }
    for (std::thread& thread : threads) thread.join();
  });
  CHECK(comes_true([&] { return traffic.received() == 2 * kProducers * kEach; }, 60'000 * kMs));
  CHECK(traffic.ring.shut(false, Deadline::never()) == Status::kOk);
  for (const pid_t pid : processes) reap(pid);
  reap(with_threads);
  CHECK(traffic.is_sound() && traffic.account().lost == 0);
}

}  // namespace forkful::test
