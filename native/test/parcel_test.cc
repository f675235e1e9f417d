// Records with descriptors: whoever dies at whatever step, each record that can be taken has its own descriptors, and
// those that nobody can take any more are closed. The descriptors are read ends of pipes: what lies in a pipe tells which
// it is, and its write end tells when nobody has it.
#include "test/parcel_test.h"

#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <array>
#include <cstdio>
#include <map>
#include <optional>

#include "core/descriptors.h"
#include "core/fault_point.h"
#include "core/parcel.h"
#include "test/traffic.h"

namespace forkful::test {
namespace {

const Deadline kNow = Deadline::in_ms(0);

class Post {
 public:
  Post() {
    Ring::Limits limits;
    limits.data_bytes = 1 << 20;
    fd_ = create_shared_memory("test", Ring::region_bytes(limits.data_bytes));
    CHECK(fd_ >= 0 && ring.create(fd_, 0, limits) == 0);
    CHECK(make_socket_pair(sockets_) == 0);
    ring.set_parcels(sockets_[0], sockets_[1]);
  }
  ~Post() { close_ring(); }
  void close_ring() {
    ring.detach();
    for (int* each : {&fd_, &sockets_[0], &sockets_[1]}) {
      if (*each >= 0) close(*each);
      *each = -1;
    }
  }

  // A pipe with its number in it. The write end is watched, and not inherited by those who are killed.
  int make(uint32_t number) {
    int ends[2];
    CHECK(make_pipe(ends) == 0 && write(ends[1], &number, sizeof number) == sizeof number);
    watched[number] = ends[1];
    return ends[0];
  }

  Status put(uint32_t number, int read_end) {
    const Ring::Record record{reinterpret_cast<const uint8_t*>(&number), sizeof number, number & 0xff};
    uint32_t done;
    if (read_end < 0) return ring.try_put(&record, 1, &done, kNow);
    const std::vector<int> descriptors{read_end};
    return ring.try_put(&record, 1, &done, kNow, &descriptors);
  }

  // The number of the next record, whose descriptor must be the right one, and is closed.
  std::optional<uint32_t> get() {
    uint8_t into[64];
    Ring::Taken taken[8];
    uint32_t count;
    std::vector<int> descriptors;
    if (ring.try_get(into, sizeof into, 8, taken, &count, kNow, &descriptors) != Status::kOk) return std::nullopt;
    uint32_t number, inside;
    memcpy(&number, into, sizeof number);
    if ((taken[0].tag & kWithParcel) == 0) {
      CHECK(descriptors.empty());
      return number;
    }
    CHECK(count == 1 && descriptors.size() == 1 && taken[0].tag == (kWithParcel | (number & 0xff)));
    CHECK(read(descriptors[0], &inside, sizeof inside) == sizeof inside && inside == number);
    close(descriptors[0]);
    return number;
  }

  // Whether nobody has the read end.
  bool is_gone(uint32_t number) const {
    pollfd polled{watched.at(number), POLLOUT, 0};
    return poll(&polled, 1, 0) > 0 && (polled.revents & POLLERR) != 0;
  }
  void demand_gone() {
    for (const auto& [number, fd] : watched) {
      CHECK(comes_true([&, key = number] { return is_gone(key); }, 5'000'000'000));
      close(fd);
    }
    watched.clear();
  }

  Ring ring;
  std::map<uint32_t, int> watched;

 private:
  int fd_ = -1;
  int sockets_[2] = {-1, -1};
};

constexpr uint32_t kMessages = 6;

// A process that sends, or receives, all there is and is killed at a point; the others go on where it stopped.
bool death_at(FaultPoint point, int pass, bool sends) {
  Post post;
  auto* plan = share<FaultPlan>();
  auto* received = share<std::array<std::atomic<uint32_t>, 2 * kMessages>>();
  plan->faults[0].point = static_cast<uint32_t>(point);
  plan->faults[0].passes_left = pass;
  plan->faults[0].signal = SIGKILL;
  plan->faults[0].roles = 1;

  std::array<int, kMessages> ends;
  for (uint32_t i = 0; i < kMessages; i++) ends[i] = post.make(i);
  const auto send_all = [&] {
    for (uint32_t i = 0; i < kMessages; i++) CHECK(post.put(i, i % 3 == 2 ? -1 : ends[i]) == Status::kOk);
  };
  const auto run = [&](const std::function<void()>& act) {
    const pid_t pid = start([&] {
      fault_role = 1;
      fault_plan = plan;
      act();
    });
    int status;
    CHECK(waitpid(pid, &status, 0) == pid);
    return WIFSIGNALED(status);
  };

  bool died = false;
  if (sends) died = run(send_all);
  else send_all();
  for (const int end : ends) close(end);
  if (!sends) {
    died = run([&] {
      while (const auto number = post.get()) (*received)[*number]++;
    });
  }
  // Who comes then finds a ring that works, with all that was sent.
  for (uint32_t i = kMessages; i < 2 * kMessages; i++) {
    const int end = post.make(i);
    CHECK(post.put(i, end) == Status::kOk);
    close(end);
  }
  uint32_t before = 0, count = 0;
  while (const auto number = post.get()) {
    (*received)[*number]++;
    CHECK(count++ == 0 || *number > before);
    before = *number;
  }
  CHECK(before == 2 * kMessages - 1 && post.ring.items() == 0);
  uint32_t missing = 0;
  for (uint32_t i = 0; i < 2 * kMessages; i++) {
    CHECK((*received)[i] <= 1 || !sends);  // a consumer that dies behind its report has made its own count
    missing += (*received)[i] == 0;
  }
  // Of a sender what it had not committed; of a receiver the one that it was taking.
  CHECK(sends || missing <= 1);
  CHECK(died || missing == 0);
  post.close_ring();
  post.demand_gone();
  munmap(plan, sizeof *plan);
  munmap(received, sizeof *received);
  return died;
}

}  // namespace

void parcels() {
  Post post;
  // Each record with its own; those without one in batches, those with one alone.
  for (uint32_t i = 0; i < 10; i++) {
    const int end = i % 2 == 0 ? post.make(i) : -1;
    CHECK(post.put(i, end) == Status::kOk);
    if (end >= 0) close(end);
  }
  for (uint32_t i = 0; i < 10; i++) CHECK(post.get() == i);
  CHECK(!post.get());
  post.demand_gone();

  // As many as the system lets wait; one less, and another one may come.
  const int end = post.make(0);
  uint32_t sent = 0;
  while (post.put(0, end) == Status::kOk) CHECK(++sent < 1'000'000);
  CHECK(sent > 100 && post.put(0, end) == Status::kBusy && post.put(0, -1) == Status::kOk);
  uint8_t into[64];
  Ring::Taken taken[1];
  uint32_t count;
  std::vector<int> descriptors;
  CHECK(post.ring.try_get(into, sizeof into, 1, taken, &count, kNow, &descriptors) == Status::kOk);
  CHECK(descriptors.size() == 1 && close(descriptors[0]) == 0 && post.put(0, end) == Status::kOk);
  close(end);

  // Who may have no more descriptors has taken nothing.
  const pid_t pid = start([&] {
    rlimit limit{0, 0};
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    const uint32_t before = post.ring.items();
    CHECK(post.ring.try_get(into, sizeof into, 1, taken, &count, kNow, &descriptors) == Status::kDescriptors);
    CHECK(post.ring.items() == before && descriptors.empty());
  });
  int status;
  CHECK(waitpid(pid, &status, 0) == pid && status == 0);

  // Who does not want them leaves them, and whoever drops the records drops them.
  CHECK(post.ring.try_get(into, sizeof into, 1, taken, &count, kNow) == Status::kOk);
  CHECK(!post.is_gone(0) && post.ring.shut(true, Deadline::in_ms(1000)) == Status::kOk && post.is_gone(0));
  post.demand_gone();
}

void parcel_fault_points() {
  using enum FaultPoint;
  for (const FaultPoint point : {parcel_numbered, parcel_sent, put_locked, put_header_written, put_record_written,
                                 put_woken, put_committed, put_unlocked}) {
    for (const int pass : {1, 2, 4}) CHECK(death_at(point, pass, true));
  }
  for (const FaultPoint point : {parcel_peeked, parcel_dropped, get_locked, get_copied, get_woken, get_committed,
                                 get_reclaimed, get_unlocked}) {
    for (const int pass : {1, 2, 4}) CHECK(death_at(point, pass, false));
  }
}

}  // namespace forkful::test
