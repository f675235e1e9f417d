#include "test/stress.h"

#include <algorithm>
#include <cstdio>
#include <random>
#include <string>
#include <thread>

#include "test/traffic.h"

namespace forkful::test {
namespace {

constexpr uint32_t kProducers = 3, kConsumers = 3;
constexpr uint32_t kMost = 2'000'000;  // messages of one producer in one round
constexpr int64_t kRoundNs = 2'000'000'000;

uint32_t short_lengths(uint32_t producer, uint32_t sequence) { return 16 + (sequence * 37 + producer) % 300; }
// Now and then a large one, so that the ring grows, starts again and gives memory back.
uint32_t mixed_lengths(uint32_t producer, uint32_t sequence) {
  return sequence % 32 == 0 ? 50'000 + (sequence * 7919 + producer) % 500'000 : short_lengths(producer, sequence);
}

struct Totals {
  uint64_t kills = 0, stops = 0, received = 0, with_the_dead = 0, recoveries = 0, shuts = 0;
};

// How a round ends: the producers go and the consumers come to rest, or somebody shuts the ring.
enum class Ending { kRest, kShut, kShutAndDrop };

struct Shape {
  const char* name;
  Ring::Limits limits;
  Traffic::Length length;
};

std::vector<Shape> shapes() {
  Ring::Limits tiny, middle, sparse, few, joinable;
  tiny.data_bytes = 1 << 13;
  middle.data_bytes = 4 << 20;
  sparse.max_bytes = 32 << 20;
  sparse.first_count = UINT32_MAX - (1u << 20) + 1;  // positions wrap
  few.data_bytes = 4 << 20;
  few.max_items = 2;
  joinable.data_bytes = 4 << 20;
  joinable.max_items = 10;
  joinable.has_ledger = true;
  joinable.first_count = UINT32_MAX - 1000;
  return {{"tiny", tiny, short_lengths},
          {"middle", middle, mixed_lengths},
          {"sparse", sparse, mixed_lengths},
          {"few", few, mixed_lengths},
          {"joinable", joinable, short_lengths}};
}

// What it does: its state, and the system call that it is in.
void describe_process(uint32_t member, pid_t pid) {
  for (const char* what : {"stat", "syscall"}) {
    const std::string path = "/proc/" + std::to_string(pid) + "/" + what;
    char text[256] = {};
    if (std::FILE* file = std::fopen(path.c_str(), "r")) {
      if (std::fgets(text, sizeof text, file) == nullptr) text[0] = 0;
      std::fclose(file);
    }
    std::fprintf(stderr, "member %u, %s: %.120s\n", member, what, text);
  }
}

class Round {
 public:
  Round(const Shape& shape, Ending ending, std::minstd_rand& random)
      : name_(shape.name),
        ending_(ending),
        random_(random),
        traffic_(shape.limits, kProducers, kConsumers, kMost, shape.length),
        members_(kProducers + kConsumers + (shape.limits.has_ledger ? 1 : 0)) {
    for (uint32_t i = 0; i < members_.size(); i++) start_member(i);
  }

  Totals run(int64_t end) {
    uint64_t last = 0;
    int64_t moved = monotonic_ns();
    while (monotonic_ns() < end && !is_used_up()) {
      usleep(random_() % 1500);
      disturb();
      if (traffic_.ring.has_ledger()) {
        finish_for_dead();
        join_again();
      }
      const uint64_t received = traffic_.received();
      if (received != last) {
        last = received;
        moved = monotonic_ns();
      } else if (monotonic_ns() - moved > 20'000'000'000) {
        fail("nothing moves");
      }
    }
    if (ending_ == Ending::kRest) {
      come_to_rest();
    } else {
      shut();
    }
    account();
    return totals_;
  }

 private:
  struct Member {
    pid_t pid = 0;
    bool stopped = false;
  };
  enum class Role { kProducer, kConsumer, kJoiner };

  static Role role(uint32_t member) {
    if (member < kProducers) return Role::kProducer;
    return member < kProducers + kConsumers ? Role::kConsumer : Role::kJoiner;
  }

  bool is_used_up() const {
    for (uint32_t p = 0; p < kProducers; p++) {
      if (traffic_.started(p) >= kMost) return true;
    }
    return false;
  }

  void start_member(uint32_t member) {
    const Waits waits = random_() % 2 == 0 ? Waits::kByFutex : Waits::kByEventLoop;
    members_[member] = {start([this, member, waits] {
                          switch (role(member)) {
                            case Role::kProducer:
                              return traffic_.produce(member, kMost, waits);
                            case Role::kConsumer:
                              return traffic_.consume(member - kProducers, waits);
                            case Role::kJoiner:
                              return traffic_.join();
                          }
                        }),
                        false};
  }

  // Some have ended before, because the ring was shut or everything was done.
  void end_member(uint32_t member) {
    if (members_[member].pid == 0) return;
    end(members_[member].pid);
    members_[member] = {};
    totals_.kills++;
    if (role(member) == Role::kConsumer) traffic_.bury(member - kProducers);
  }

  void disturb() {
    const uint32_t member = random_() % members_.size();
    switch (random_() % 8) {
      case 0:
        if (members_[member].stopped) break;
        kill(members_[member].pid, SIGSTOP);
        members_[member].stopped = true;
        totals_.stops++;
        break;
      case 1:
      case 2:
        go_on();
        break;
      default:
        end_member(member);
        start_member(member);
    }
  }

  void go_on() {
    for (Member& member : members_) {
      if (member.stopped) kill(member.pid, SIGCONT);
      member.stopped = false;
    }
  }

  bool finish_for_dead() {
    return traffic_.finish_for([this](pid_t pid) {
      return pid != getpid() && std::none_of(members_.begin(), members_.end(),
                                             [pid](const Member& member) { return member.pid == pid; });
    });
  }

  // So that somebody waits for the ledger's balance whenever there is something to wait for.
  void join_again() {
    const uint32_t joiner = kProducers + kConsumers;
    if (!has_left(members_[joiner].pid)) return;
    members_[joiner] = {};
    start_member(joiner);
  }

  // Whatever happened before: who waits for one more record hears when that is done.
  void join_at_last() {
    uint32_t count = 0;
    uint8_t byte = 0;
    Ring::Taken taken;
    const Ring::Record record{&byte, 1, 0};
    CHECK(traffic_.ring.put(&record, 1, &count, Deadline::in_ms(1000)) == Status::kOk);
    CHECK(traffic_.ring.get(&byte, 1, 1, &taken, &count, Deadline::in_ms(1000)) == Status::kOk);
    start_member(kProducers + kConsumers);
    const pid_t joiner = members_.back().pid;
    // Asleep for the balance, not for the lock, which nobody holds.
    CHECK(comes_true([joiner] { return is_asleep(joiner); }));
    CHECK(traffic_.ring.finish(Deadline::in_ms(1000)) == Status::kOk);
    if (!comes_true([joiner] { return has_left(joiner); })) fail("who joins did not hear of the last record");
    members_.back() = {};
  }

  bool is_every(uint32_t from, uint32_t to, bool (*is)(pid_t)) {
    return std::all_of(members_.begin() + from, members_.begin() + to, [is](Member& member) {
      if (member.pid == 0) return true;
      if (!is(member.pid)) return false;
      if (is == has_left) member = {};
      return true;
    });
  }

  // Without producers the consumers must come to rest with an empty ring, without help.
  void come_to_rest() {
    go_on();
    for (uint32_t p = 0; p < kProducers; p++) end_member(p);
    const bool rested = comes_true([this] {
      return traffic_.ring.items() == 0 && is_every(kProducers, kProducers + kConsumers, is_asleep);
    });
    if (!rested) fail("the consumers did not come to rest");
    for (uint32_t c = 0; c < kConsumers; c++) end_member(kProducers + c);
  }

  // Who shuts the ring is killed as well, at any moment. When it is shut, everybody leaves without help.
  void shut() {
    const bool drop = ending_ == Ending::kShutAndDrop;
    const auto begin = [this, drop] {
      return start([this, drop] { CHECK(traffic_.ring.shut(drop, Deadline::never()) == Status::kOk); });
    };
    for (uint32_t i = random_() % 30; i > 0 && !traffic_.ring.is_shut(); i--) {
      const pid_t pid = begin();
      usleep(random_() % 800);
      disturb();
      end(pid);
      totals_.kills++;
    }
    go_on();
    if (!traffic_.ring.is_shut()) {
      const pid_t pid = begin();
      if (!comes_true([pid] { return has_left(pid); })) fail("the ring cannot be shut");
    }
    totals_.shuts++;
    if (!comes_true([this] { return is_every(0, kProducers + kConsumers, has_left); })) {
      fail("somebody did not hear that the ring was shut");
    }
    if (traffic_.ring.items() != 0) fail("the ring was left before it was empty");
  }

  void account() {
    if (!traffic_.is_sound()) fail("what arrived was not what was sent");
    const bool dropped = ending_ == Ending::kShutAndDrop;
    const Traffic::Account account = traffic_.account(dropped);
    if (account.lost != 0) fail("messages are lost");
    if (traffic_.ring.has_ledger()) {
      if (!comes_true([this] { return finish_for_dead(); })) fail("what the dead have taken cannot be finished");
      if (!comes_true([this] { return is_every(kProducers + kConsumers, members_.size(), has_left); })) {
        fail("who joins did not hear that everything is done");
      }
      if (!traffic_.ledger_is_balanced(dropped)) fail("the ledger is not right");
      if (!traffic_.ring.is_shut()) join_at_last();
    }
    totals_.received = traffic_.received();
    totals_.with_the_dead = dropped ? 0 : account.with_the_dead;
    totals_.recoveries = traffic_.ring.recoveries();
  }

  [[noreturn]] void fail(const char* what) {
    std::fprintf(stderr, "stress, %s ring, after %lu kills: %s\n", name_, totals_.kills, what);
    traffic_.describe();
    for (uint32_t i = 0; i < members_.size(); i++) {
      if (members_[i].pid != 0) describe_process(i, members_[i].pid);
    }
    abort();
  }

  const char* name_;
  const Ending ending_;
  std::minstd_rand& random_;
  Traffic traffic_;
  std::vector<Member> members_;
  Totals totals_;
};

}  // namespace

void stress(double seconds, unsigned seed) {
  std::minstd_rand random(seed);
  const int64_t end = monotonic_ns() + static_cast<int64_t>(seconds * 1e9);
  Totals all;
  for (size_t round = 0; monotonic_ns() < end; round++) {
    alarm(120);
    const std::vector<Shape> every = shapes();
    const Ending ending = static_cast<Ending>(round / every.size() % 3);
    const Totals one =
        Round(every[round % every.size()], ending, random).run(std::min(end, monotonic_ns() + kRoundNs));
    all.kills += one.kills;
    all.stops += one.stops;
    all.received += one.received;
    all.with_the_dead += one.with_the_dead;
    all.recoveries += one.recoveries;
    all.shuts += one.shuts;
  }
  alarm(0);
  std::printf("ok stress: kills %lu, stops %lu, received %lu, taken along by the dead %lu, recoveries %lu, shut %lu, "
              "lost 0, corrupt 0, twice 0, hung 0 (seed %u)\n",
              all.kills, all.stops, all.received, all.with_the_dead, all.recoveries, all.shuts, seed);
}

void threads() {
  constexpr uint32_t kEach = 3000;
  Ring::Limits few, middle;
  few.data_bytes = middle.data_bytes = 4 << 20;
  few.max_items = 2;
  for (const Ring::Limits& limits : {few, middle}) {
    // One producer more, whose messages only wake those who have nothing left to wait for.
    Traffic traffic(limits, kProducers + 1, kConsumers, kEach, mixed_lengths);
    std::atomic<uint32_t> ended{0};
    std::vector<std::thread> all;
    // A Ring's spinning is its process's; so one thread of each side sleeps on futexes, the others do not spin.
    const auto waits = [](uint32_t member) { return member == 0 ? Waits::kByFutex : Waits::kByEventLoop; };
    for (uint32_t p = 0; p < kProducers; p++) all.emplace_back([&, p] { traffic.produce(p, kEach, waits(p)); });
    for (uint32_t c = 0; c < kConsumers; c++) {
      all.emplace_back([&, c] {
        traffic.consume(c, waits(c), [&] { return traffic.received() < kProducers * kEach; });
        ended++;
      });
    }
    CHECK(comes_true([&] { return traffic.received() >= kProducers * kEach; }, 60'000'000'000));
    for (uint32_t more = 1; ended < kConsumers; more++) {
      traffic.produce(kProducers, more, Waits::kByEventLoop);
      CHECK(comes_true([&] { return ended == kConsumers || traffic.ring.items() == 0; }));
    }
    for (std::thread& thread : all) thread.join();
    // A message more, if the last consumer was about to leave when it was made.
    traffic.consume(0, Waits::kByEventLoop, [&] { return traffic.ring.items() > 0; });
    CHECK(traffic.is_sound() && traffic.account().lost == 0);
  }
}

}  // namespace forkful::test
