#pragma once
// Producers and consumers in processes of their own that keep a journal in shared memory, so that it can be told
// exactly what became of every message, whoever was killed.
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <vector>

#include "core/ring.h"
#include "test/check.h"

namespace forkful::test {

constexpr uint32_t kMagic = 0x6c69616d;  // not a run of one byte, as bodies are
constexpr uint32_t kBatch = 4;
constexpr size_t kLongest = 900'000;
constexpr size_t kRoom = 1 << 20;

struct MessageHeader {
  uint32_t magic, producer, sequence, length;
};

template <class T>
T* share(size_t count = 1) {
  void* memory = mmap(nullptr, count * sizeof(T), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  CHECK(memory != MAP_FAILED);
  return static_cast<T*>(memory);
}

// Where a consumer's records arrive: in shared memory, because one that is killed behind its commit has received them.
struct Inbox {
  Ring::Taken taken[kBatch];
  uint8_t bytes[kRoom];
};

enum class Waits { kByFutex, kByEventLoop };

class Traffic {
 public:
  using Length = uint32_t (*)(uint32_t producer, uint32_t sequence);

  Traffic(const Ring::Limits& limits, uint32_t producers, uint32_t consumers, uint32_t most, Length length)
      : producers_(producers), consumers_(consumers), most_(most), first_(limits.first_count), length_(length) {
    fd_ = create_shared_memory("test", Ring::region_bytes(limits.data_bytes, limits.has_ledger));
    CHECK(fd_ >= 0 && ring.create(fd_, 0, limits) == 0);
    header_bytes_ = Ring::header_bytes(limits.has_ledger);
    header_ = static_cast<RingHeader*>(mmap(nullptr, header_bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0));
    CHECK(header_ != MAP_FAILED);
    for (int* event : {&not_empty_, &not_full_, &joined_}) *event = eventfd(0, EFD_NONBLOCK);
    ring.set_events(not_empty_, not_full_, joined_);
    counts_ = share<Counts>(producers);
    trouble_ = share<Trouble>();
    inboxes_ = share<Inbox>(consumers);
    seen_ = share<std::atomic<uint8_t>>(size_t{producers} * most);
    in_dead_hands_.resize(size_t{producers} * most);
  }
  ~Traffic() {
    munmap(header_, header_bytes_);
    munmap(counts_, producers_ * sizeof(Counts));
    munmap(trouble_, sizeof(Trouble));
    munmap(inboxes_, consumers_ * sizeof(Inbox));
    munmap(seen_, size_t{producers_} * most_);
    for (const int fd : {fd_, not_empty_, not_full_, joined_}) close(fd);
  }

  // Sends what of `until` messages has not been sent, by whoever was this producer before; or until the ring is shut.
  void produce(uint32_t producer, uint32_t until, Waits waits) {
    const int epoll = watch(not_full_);
    std::vector<uint8_t> message(kLongest);
    Counts& counts = counts_[producer];
    while (counts.started < until) {
      const uint32_t sequence = counts.started.fetch_add(1);
      const uint32_t length = std::max<uint32_t>(length_(producer, sequence), sizeof(MessageHeader));
      const MessageHeader header{kMagic, producer, sequence, length};
      memcpy(message.data(), &header, sizeof header);
      memset(message.data() + sizeof header, filler(producer, sequence), length - sizeof header);
      const Ring::Record record{message.data(), length, producer};
      const Status status = put(record, waits, epoll);
      if (status == Status::kShut) break;
      if (status != Status::kOk) trouble_->unexpected++;
      at(seen_, producer, sequence).fetch_or(kReturned);
    }
    close(epoll);
  }

  // Until it is killed or the ring is shut and empty, or for as long as `more` says.
  void consume(uint32_t consumer, Waits waits, const std::function<bool()>& more = [] { return true; }) {
    const int epoll = watch(not_empty_);
    Inbox& inbox = inboxes_[consumer];
    uint32_t count;
    while (more()) {
      const Status status = get(inbox, &count, waits, epoll);
      if (status == Status::kShut) break;
      if (status != Status::kOk) trouble_->unexpected++;
      for (uint32_t i = 0; i < count; i++) {
        receive(inbox, inbox.taken[i]);
        if (ring.has_ledger()) finish_one();
      }
    }
    close(epoll);
  }

  // Until everything that was put is done.
  void join() {
    const int epoll = watch(joined_);
    for (;;) {
      const Status status = ring.arm_joined(Deadline::in_ms(0));
      if (status == Status::kFull) wait_for_event(epoll);
      if (status == Status::kOk) break;
      if (status != Status::kFull && status != Status::kBusy) trouble_->unexpected++;
    }
    close(epoll);
  }

  // On behalf of consumers that have ended, as far as locks can be had. Whether nothing is left to be done for them.
  bool finish_for(const std::function<bool(pid_t)>& has_ended) {
    Ledger::Account accounts[Ledger::kSlots];
    const uint32_t count = ring.accounts(accounts, Ledger::kSlots);
    bool is_done = true;
    for (uint32_t i = 0; i < count; i++) {
      if (!has_ended(static_cast<pid_t>(accounts[i].process.pid))) continue;
      for (int32_t left = accounts[i].balance; left > 0; left--) {
        is_done = false;
        const Status status = ring.finish(Deadline::in_ms(0));
        if (status == Status::kBusy) return false;
        CHECK(status == Status::kOk);
        finished_for_dead_++;
      }
    }
    return is_done;
  }

  // With the ring empty, nobody at work and nothing left to do for the dead.
  bool ledger_is_balanced(bool dropped) {
    const uint32_t done = reinterpret_cast<const Ledger*>(header_ + 1)->done();
    const uint64_t by_consumers = done - first_ - static_cast<uint32_t>(finished_for_dead_);
    const uint64_t unseen = taken() - seen_count();
    return ring.finish(Deadline::in_ms(1000)) == Status::kEmpty && by_consumers >= trouble_->finished &&
           by_consumers <= trouble_->finishing + (dropped ? unseen : 0);
  }

  // After a consumer was killed: what it may have taken without having said so.
  void bury(uint32_t consumer) {
    const Inbox& inbox = inboxes_[consumer];
    for (const Ring::Taken& taken : inbox.taken) {
      MessageHeader header;
      if (taken.offset + sizeof header > kRoom) continue;
      memcpy(&header, inbox.bytes + taken.offset, sizeof header);
      if (header.magic == kMagic && header.producer < producers_ && header.sequence < most_) {
        in_dead_hands_[index(header.producer, header.sequence)] = true;
      }
    }
  }

  uint64_t received() const { return trouble_->received; }
  uint32_t started(uint32_t producer) const { return counts_[producer].started; }
  // What was given back a moment ago may be given back again.
  void release_again() { header_->consumers.released_ns = 0; }

  bool is_sound() const { return trouble_->corrupt == 0 && trouble_->twice == 0 && trouble_->unexpected == 0; }

  struct Account {
    uint64_t lost, with_the_dead;
  };
  // With the ring empty and nobody at work. A message whose put returned was received once, or lies in the hands of a
  // consumer that was killed; and the ring's own count says how many those are.
  // Dropped ones are as those that a dead consumer took.
  Account account(bool dropped = false) const {
    uint64_t lost = 0, must_be_with_dead = 0, may_be_with_dead = 0;
    for (uint32_t p = 0; p < producers_; p++) {
      for (uint32_t s = 0; s < counts_[p].started; s++) {
        const uint8_t state = at(seen_, p, s);
        if ((state & kSeen) != 0) continue;
        const bool dead_hands = dropped || in_dead_hands_[index(p, s)];
        may_be_with_dead += dead_hands;
        if ((state & kReturned) == 0) continue;
        must_be_with_dead += dead_hands;
        lost += !dead_hands;
      }
    }
    const uint64_t with_dead = taken() - seen_count();
    CHECK(with_dead >= must_be_with_dead && with_dead <= may_be_with_dead);
    return {lost, with_dead};
  }

  void describe() const {
    std::fprintf(stderr,
                 "pending %u, not_empty sleeping %u armed %u, not_full sleeping %u armed %u, received %lu, corrupt %lu, "
                 "twice %lu, unexpected %lu, recoveries %lu\n",
                 ring.items(), header_->not_empty.sleeping.load(), header_->not_empty.armed.load(),
                 header_->not_full.sleeping.load(), header_->not_full.armed.load(), trouble_->received.load(),
                 trouble_->corrupt.load(), trouble_->twice.load(), trouble_->unexpected.load(), ring.recoveries());
    for (uint32_t p = 0; p < producers_; p++) std::fprintf(stderr, "producer %u started %u\n", p, started(p));
  }

  Ring ring;

 private:
  static constexpr uint8_t kReturned = 1, kSeen = 2;
  struct Counts {
    std::atomic<uint32_t> started;
  };
  struct Trouble {
    std::atomic<uint64_t> received, corrupt, twice, unexpected, finishing, finished;
  };

  uint32_t taken() const { return Cursor::unpack(header_->head).items - first_; }
  uint64_t seen_count() const {
    uint64_t seen = 0;
    for (uint32_t p = 0; p < producers_; p++) {
      for (uint32_t s = 0; s < counts_[p].started; s++) seen += (at(seen_, p, s) & kSeen) != 0;
    }
    return seen;
  }
  void finish_one() {
    trouble_->finishing++;
    if (ring.finish(Deadline::never()) != Status::kOk) trouble_->unexpected++;
    trouble_->finished++;
  }

  size_t index(uint32_t producer, uint32_t sequence) const { return size_t{producer} * most_ + sequence; }
  std::atomic<uint8_t>& at(std::atomic<uint8_t>* all, uint32_t producer, uint32_t sequence) const {
    return all[index(producer, sequence)];
  }
  static uint8_t filler(uint32_t producer, uint32_t sequence) {
    return static_cast<uint8_t>(producer * 31 + sequence);
  }

  // Edge-triggered and one's own, as the library's reactor has it: nobody reads the eventfd.
  static int watch(int event) {
    const int epoll = epoll_create1(EPOLL_CLOEXEC);
    epoll_event wanted{};
    wanted.events = EPOLLIN | EPOLLET;
    CHECK(epoll >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, event, &wanted) == 0);
    return epoll;
  }
  static void wait_for_event(int epoll) {
    epoll_event event;
    epoll_wait(epoll, &event, 1, -1);
  }

  Status put(const Ring::Record& record, Waits waits, int epoll) {
    uint32_t done;
    if (waits == Waits::kByFutex) return ring.put(&record, 1, &done, Deadline::never());
    for (;;) {
      Status status = ring.try_put(&record, 1, &done, Deadline::in_ms(0));
      if (status == Status::kFull) {
        status = ring.arm_not_full(record.length, Deadline::in_ms(0));
        if (status == Status::kFull) wait_for_event(epoll);
        if (status == Status::kOk || status == Status::kFull) continue;
      } else if (status != Status::kBusy) {
        return status;
      }
      if (status != Status::kBusy) return status;  // and who finds the lock held tries again, as by a timer
    }
  }

  Status get(Inbox& inbox, uint32_t* count, Waits waits, int epoll) {
    if (waits == Waits::kByFutex) {
      return ring.get(inbox.bytes, kRoom, kBatch, inbox.taken, count, Deadline::never());
    }
    for (;;) {
      Status status = ring.try_get(inbox.bytes, kRoom, kBatch, inbox.taken, count, Deadline::in_ms(0));
      if (status == Status::kEmpty) {
        status = ring.arm_not_empty(Deadline::in_ms(0));
        if (status == Status::kEmpty) wait_for_event(epoll);
        if (status == Status::kOk || status == Status::kEmpty) continue;
      } else if (status != Status::kBusy) {
        return status;
      }
      if (status != Status::kBusy) return status;
    }
  }

  void receive(const Inbox& inbox, const Ring::Taken& taken) {
    const uint8_t* bytes = inbox.bytes + taken.offset;
    MessageHeader header{};
    if (taken.length >= sizeof header) memcpy(&header, bytes, sizeof header);
    bool sound = header.magic == kMagic && header.producer < producers_ && header.sequence < most_ &&
                 header.length == taken.length && taken.tag == header.producer;
    if (sound) {
      const uint8_t expected = filler(header.producer, header.sequence);
      uint8_t difference = 0;
      for (size_t i = sizeof header; i < taken.length; i++) difference |= bytes[i] ^ expected;
      sound = difference == 0;
    }
    if (!sound) {
      trouble_->corrupt++;
      return;
    }
    if (at(seen_, header.producer, header.sequence).fetch_or(kSeen) & kSeen) trouble_->twice++;
    trouble_->received++;
  }

  const uint32_t producers_, consumers_, most_, first_;
  const Length length_;
  int fd_, not_empty_, not_full_, joined_;
  size_t header_bytes_;
  uint64_t finished_for_dead_ = 0;
  RingHeader* header_;
  Counts* counts_;
  Trouble* trouble_;
  Inbox* inboxes_;
  std::atomic<uint8_t>* seen_;
  std::vector<bool> in_dead_hands_;
};

// A child that does not outlive this program.
inline pid_t start(const std::function<void()>& act) {
  const pid_t parent = getpid();
  const pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    act();
    _exit(0);
  }
  return pid;
}

// Whether the child has ended by itself, and well.
inline bool has_left(pid_t pid) {
  int status;
  const pid_t reaped = waitpid(pid, &status, WNOHANG);
  CHECK(reaped != pid || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
  return reaped == pid;
}

inline void end(pid_t pid) {
  kill(pid, SIGKILL);
  CHECK(waitpid(pid, nullptr, 0) == pid);
}

// Blocked in a system call.
inline bool is_asleep(pid_t pid) {
  char path[64], text[512] = {};
  std::snprintf(path, sizeof path, "/proc/%d/stat", pid);
  std::FILE* file = std::fopen(path, "r");
  if (file == nullptr) return false;
  const bool is_read = std::fgets(text, sizeof text, file) != nullptr;
  std::fclose(file);
  const char* end_of_name = std::strrchr(text, ')');
  return is_read && end_of_name != nullptr && end_of_name[2] == 'S';
}

// Waits for a condition; false when that took so long that somebody hangs.
inline bool comes_true(const std::function<bool()>& condition, int64_t within_ns = 20'000'000'000) {
  const int64_t end = monotonic_ns() + within_ns;
  while (!condition()) {
    if (monotonic_ns() > end) return false;
    usleep(500);
  }
  return true;
}

}  // namespace forkful::test
