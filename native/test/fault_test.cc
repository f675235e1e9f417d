// Everybody dies, or is stopped for a while, at every step: each fault point, reached by a producer and by a consumer,
// by sleepers and by event loops; and a second one dies in the recovery from the first. The others must go on, and every
// message must be accounted for. Nobody has a timeout, so a lost wake-up is a hang.
#include "test/fault_test.h"

#include <sched.h>

#include <algorithm>
#include <cstdio>
#include <set>
#include <string>

#include "core/fault_point.h"
#include "test/traffic.h"

namespace forkful::test {
namespace {

constexpr uint32_t kProducers = 3, kConsumers = 3;  // so that after two deaths there is one of each
constexpr uint32_t kMessages = 10;
constexpr uint32_t kProducerRole = 1, kConsumerRole = 2;

// Small, large and middle: the waiters for room need different amounts, positions pass the offset behind which the ring
// starts again, and memory is given back.
uint32_t length_of(uint32_t producer, uint32_t sequence) {
  constexpr uint32_t kBase[kProducers] = {40, 600'000, 9'000};
  return kBase[producer] + sequence * 8'000 * (producer == 1);
}

Waits waits_of(uint32_t member) { return member == 1 ? Waits::kByEventLoop : Waits::kByFutex; }

struct Order {
  FaultPoint point;
  uint32_t roles;
  int pass;
  int signal;
};

const char* name_of(FaultPoint point) { return kFaultPointNames[static_cast<uint32_t>(point)]; }

void give(Fault& fault, const Order& order) {
  fault.point = static_cast<uint32_t>(order.point);
  fault.passes_left = order.pass;
  fault.signal = order.signal;
  fault.roles = order.roles;
}

bool is_behind_commit_of_get(FaultPoint point) {
  switch (point) {
    case FaultPoint::get_committed:
    case FaultPoint::get_reclaimed:
    case FaultPoint::get_unlocked:
    case FaultPoint::reclaim_begun:
    case FaultPoint::reclaim_discarded:
    case FaultPoint::reclaim_moved:
    case FaultPoint::release_locked:
    case FaultPoint::release_begun:
    case FaultPoint::release_done:
      return true;
    default:
      return false;
  }
}

// What the first put finds: an empty ring, far from its start, so that it jumps; records behind a jump that everybody has
// passed, so that it forgets it; or one behind a jump that nobody has passed, so that who puts a long one must lead out.
enum class Begins { kBeforeJump, kBehindJump, kHemmedIn };

class Scenario {
 public:
  Scenario(FaultPlan& plan, const std::vector<Order>& orders, const Ring::Limits& limits, Begins begins)
      : orders_(orders), begins_(begins), traffic_(limits, kProducers, kConsumers, kMessages, length_of) {
    begin();
    for (size_t i = 0; i < std::size(plan.faults); i++) {
      plan.faults[i].roles = 0;
      if (i < orders.size()) give(plan.faults[i], orders[i]);
    }
    fault_plan = &plan;
  }

  // How many signals took effect.
  uint32_t run() {
    for (uint32_t i = 0; i < kProducers; i++) {
      pids_.push_back(start([this, i] {
        fault_role = kProducerRole;
        traffic_.produce(i, kMessages, waits_of(i));
      }));
    }
    // Those who put small ones are done before the long one is missed.
    const uint32_t first = begins_ == Begins::kHemmedIn ? 1 + 2 * kMessages : 1;
    if (begins_ != Begins::kBeforeJump) {
      demand("the first puts", [this, first] {
        watch();
        return traffic_.ring.items() > first || deaths_ > 0;
      });
    }
    for (uint32_t i = 0; i < kConsumers; i++) {
      pids_.push_back(start([this, i] {
        fault_role = kConsumerRole;
        traffic_.consume(i, waits_of(i));
      }));
    }
    // The producers end by themselves, those that live, and the consumers drain what they have sent.
    demand("the producers to end", [this] {
      watch();
      return pids_[0] == 0 && pids_[1] == 0 && pids_[2] == 0;
    });
    demand("the consumers to drain", [this] {
      watch();
      return traffic_.ring.items() == 0;
    });
    demand("the consumers to count", [this] {
      watch();
      return all_consumers_wait();
    });
    end_consumers();
    if (!traffic_.is_sound()) fail("what arrived was not what was sent");
    const Traffic::Account account = traffic_.account();
    if (account.lost != 0) fail("messages are lost");
    uint64_t most = 0;
    for (const Order& order : orders_) most += is_behind_commit_of_get(order.point) ? kBatch : 0;
    if (account.with_the_dead > most) fail("messages went with one that had not taken them");
    // And the ring is as good as new.
    fault_plan = nullptr;
    const Ring::Record record{reinterpret_cast<const uint8_t*>("alive"), 5, 0};
    uint8_t into[8];
    Ring::Taken taken[1];
    uint32_t done;
    CHECK(traffic_.ring.try_put(&record, 1, &done, Deadline::in_ms(1000)) == Status::kOk);
    CHECK(traffic_.ring.try_get(into, sizeof into, 1, taken, &done, Deadline::in_ms(1000)) == Status::kOk);
    return deaths_ + stops_;
  }

 private:
  void begin() {
    pass_on(2);
    if (begins_ == Begins::kBehindJump) pass_on(3);
    if (begins_ != Begins::kBeforeJump) traffic_.produce(1, begins_ == Begins::kBehindJump ? 4 : 3, Waits::kByFutex);
  }
  void pass_on(uint32_t messages) {
    traffic_.produce(1, messages, Waits::kByFutex);
    traffic_.consume(0, Waits::kByFutex, [this, messages] { return traffic_.received() < messages; });
  }

  // Who dies does not come again; who is stopped goes on once that has been seen.
  void watch() {
    traffic_.release_again();  // or most scenarios would be over before that
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0;) {
      const size_t member = static_cast<size_t>(std::find(pids_.begin(), pids_.end(), pid) - pids_.begin());
      CHECK(member < pids_.size());
      if (WIFSTOPPED(status)) {
        stops_++;
        usleep(3000);  // for the others to run into what it holds
        kill(pid, SIGCONT);
        continue;
      }
      CHECK(WIFEXITED(status) ? WEXITSTATUS(status) == 0 : WTERMSIG(status) == SIGKILL);
      deaths_ += WIFSIGNALED(status);
      pids_[member] = 0;
      if (member >= kProducers) traffic_.bury(static_cast<uint32_t>(member) - kProducers);
    }
  }

  // The journal is complete.
  bool all_consumers_wait() const {
    return std::all_of(pids_.begin() + kProducers, pids_.end(), [](pid_t pid) { return pid == 0 || is_asleep(pid); });
  }

  void end_consumers() {
    for (pid_t& pid : pids_) {
      if (pid != 0) end(pid);
      pid = 0;
    }
  }

  void demand(const char* what, const std::function<bool()>& condition) {
    if (!comes_true(condition, 10'000'000'000)) fail(what);
  }

  [[noreturn]] void fail(const char* what) {
    std::fprintf(stderr, "fault points:");
    for (const Order& order : orders_) {
      std::fprintf(stderr, " %s (pass %d, roles %u, %s)", name_of(order.point), order.pass, order.roles,
                   strsignal(order.signal));
    }
    std::fprintf(stderr, ": waited for, or found: %s\n", what);
    traffic_.describe();
    for (const pid_t pid : pids_) {
      if (pid != 0) kill(pid, SIGKILL);
    }
    abort();
  }

  std::vector<Order> orders_;
  Begins begins_;
  Traffic traffic_;
  std::vector<pid_t> pids_;
  uint32_t deaths_ = 0, stops_ = 0;
};

}  // namespace

void fault_points() {
  // With one processor nobody spins, and everybody who waits sleeps.
  cpu_set_t before, one;
  CHECK(sched_getaffinity(0, sizeof before, &before) == 0);
  CPU_ZERO(&one);
  CPU_SET(sched_getcpu(), &one);
  CHECK(sched_setaffinity(0, sizeof one, &one) == 0);
  auto* plan = share<FaultPlan>();

  Ring::Limits large, larger, small;
  large.data_bytes = 4 << 20;
  larger.data_bytes = 8 << 20;  // some of the memory is given back only when the ring is empty
  small.data_bytes = 2 << 20;  // memory is free at once
  small.max_items = 2;

  uint32_t scenarios = 0, signals = 0;
  std::set<FaultPoint> reached;
  const auto run = [&](const std::vector<Order>& orders, const Ring::Limits& limits, Begins begins) {
    alarm(120);
    const uint32_t took_effect = Scenario(*plan, orders, limits, begins).run();
    scenarios++;
    signals += took_effect;
    if (took_effect == orders.size()) {
      for (const Order& order : orders) reached.insert(order.point);
    }
  };

  for (uint32_t i = 0; i < kFirstOfParcel; i++) {
    const auto point = static_cast<FaultPoint>(i);
    for (const uint32_t role : {kProducerRole, kConsumerRole}) {
      for (const int signal : {SIGKILL, SIGSTOP}) {
        for (const int pass : {1, 4}) {
          run({{point, role, pass, signal}}, large, Begins::kBehindJump);
          run({{point, role, pass, signal}}, large, Begins::kHemmedIn);
          run({{point, role, pass, signal}}, larger, Begins::kHemmedIn);
          run({{point, role, pass, signal}}, small, Begins::kBeforeJump);
        }
      }
      // Passed by one who recovers, whoever he is: after a death with either lock held, before and behind the commit.
      for (const FaultPoint first : {FaultPoint::put_woken, FaultPoint::get_woken, FaultPoint::get_committed}) {
        if (std::string(name_of(point)).find("recovery") == 0 || std::string(name_of(point)).find("reclaim") == 0) {
          for (const int signal : {SIGKILL, SIGSTOP}) {
            run({{first, kProducerRole | kConsumerRole, 2, SIGKILL}, {point, role, 1, signal}}, large, Begins::kBeforeJump);
          }
        }
      }
    }
  }
  bool all = true;
  for (uint32_t i = 0; i < kFirstOfParcel; i++) {
    if (reached.contains(static_cast<FaultPoint>(i))) continue;
    std::fprintf(stderr, "no process was killed or stopped at the fault point %s\n", kFaultPointNames[i]);
    all = false;
  }
  CHECK(all);
  std::printf("fault points: %u, scenarios: %u, deaths and stops: %u\n", kFirstOfParcel, scenarios, signals);
  munmap(plan, sizeof *plan);
  CHECK(sched_setaffinity(0, sizeof before, &before) == 0);
}

// What a lock's sleepers find when the one that was woken is killed, and meanwhile somebody had the lock for a moment who
// did not know of them: it is free, and nobody wakes anybody.
void lost_wake_up() {
  using Outcome = RobustMutex::Outcome;
  struct Shared {
    RobustMutex lock;
    std::atomic<bool> held, given_back;
  };
  auto* shared = share<Shared>();
  CHECK(shared->lock.initialise());
  const pid_t holder = start([shared] {
    CHECK(shared->lock.lock(Deadline::never()) == Outcome::kLocked);
    shared->held = true;
    while (!shared->given_back) usleep(500);
    // The word of a free lock, without a call that wakes; the kernel, too, finds nothing to tell of.
    reinterpret_cast<std::atomic<uint32_t>*>(&shared->lock)->store(0);
    kill(getpid(), SIGKILL);
  });
  CHECK(comes_true([shared] { return shared->held.load(); }));
  const auto take = [shared](const Deadline& deadline) {
    return start([shared, deadline] {
      CHECK(shared->lock.lock(deadline) == Outcome::kLocked);
      shared->lock.unlock();
    });
  };
  const pid_t sleepers[] = {take(Deadline::never()), take(Deadline::in_ms(60'000))};
  if (RobustMutex::kSleeps) {
    for (const pid_t pid : sleepers) CHECK(comes_true([pid] { return is_asleep(pid); }));
  }
  shared->given_back = true;
  CHECK(waitpid(holder, nullptr, 0) == holder);
  for (const pid_t pid : sleepers) CHECK(comes_true([pid] { return has_left(pid); }));
  munmap(shared, sizeof *shared);
}

}  // namespace forkful::test
