#include "test/hostile.h"

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include "core/ring.h"
#include "test/check.h"

namespace forkful::test {
namespace {

const Deadline kNow = Deadline::in_ms(0);
constexpr int64_t kHangNs = 10'000'000'000;
constexpr uint32_t kMostSteps = 64;
constexpr size_t kRoom = 8192;

class Input {
 public:
  Input(const uint8_t* data, size_t length) : at_(data), left_(length) {}
  bool empty() const { return left_ == 0; }
  // Zeros behind the end.
  template <class T>
  T next() {
    T value{};
    const size_t bytes = std::min(sizeof value, left_);
    memcpy(&value, at_, bytes);
    at_ += bytes;
    left_ -= bytes;
    return value;
  }

 private:
  const uint8_t* at_;
  size_t left_;
};

bool is_of_a_lock(uint64_t offset, uint64_t bytes) {
  constexpr uint64_t kLocks[] = {offsetof(RingHeader, producers.lock), offsetof(RingHeader, consumers.lock)};
  return std::any_of(std::begin(kLocks), std::end(kLocks), [=](uint64_t lock) {
    return offset < lock + sizeof(RobustMutex) && lock < offset + bytes;
  });
}

class Victim {
 public:
  explicit Victim(uint8_t shape) {
    constexpr uint64_t kSizes[] = {4096, 1 << 16, 1 << 20, 8 << 20};  // the last grows, jumps and gives memory back
    Ring::Limits limits;
    limits.data_bytes = kSizes[shape & 3];
    limits.has_ledger = (shape & 4) != 0;
    if ((shape & 8) != 0) limits.max_items = 3;
    if ((shape & 16) != 0) limits.max_bytes = 2048;
    if ((shape & 32) != 0) limits.first_count = UINT32_MAX - 100;
    bytes_ = Ring::region_bytes(limits.data_bytes, limits.has_ledger);
    fd_ = create_shared_memory("hostile", bytes_);
    CHECK(fd_ >= 0 && ring_->create(fd_, 0, limits) == 0);
    for (int& event : events_) event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, parcels_) == 0);
    listen();
  }
  ~Victim() {
    for (const int fd : {fd_, events_[0], events_[1], events_[2], parcels_[0], parcels_[1]}) close(fd);
  }
  Victim(const Victim&) = delete;
  Victim& operator=(const Victim&) = delete;

  void step(Input& input) {
    switch (input.next<uint8_t>() % 16) {
      case 0: {
        static const std::vector<uint8_t> bytes(6 << 20, 'v');
        const uint8_t scale = input.next<uint8_t>() % 18;
        const uint32_t length = std::min<uint32_t>(uint32_t{input.next<uint8_t>()} << scale, bytes.size());
        const Ring::Record records[2] = {{bytes.data(), length, 7}, {bytes.data(), 3, 8}};
        uint32_t done = 0;
        const Status status = ring_->try_put(records, 2, &done, kNow);
        CHECK(done <= 2 && (status == Status::kOk) == (done > 0));
        break;
      }
      case 1:
        take(1);
        break;
      case 2:
        take(4);
        break;
      case 3:
      case 4: {
        const auto value = input.next<uint64_t>();
        overwrite(input.next<uint16_t>() % sizeof(RingHeader), &value, sizeof value);
        break;
      }
      case 5: {
        if (!ring_->has_ledger()) break;
        // Whose it is and how many slots there are, and the first of them.
        const auto value = input.next<uint32_t>();
        overwrite(sizeof(RingHeader) + input.next<uint8_t>(), &value, sizeof value);
        break;
      }
      case 6: {
        const auto value = input.next<uint32_t>();
        overwrite(input.next<uint32_t>() % bytes_, &value, sizeof value);
        break;
      }
      case 7: {
        // A record's own header, where there is one.
        const RecordHeader record{input.next<uint32_t>(), input.next<uint32_t>()};
        const uint64_t header_bytes = Ring::header_bytes(ring_->has_ledger());
        overwrite(header_bytes + input.next<uint8_t>() * kUnit, &record, sizeof record);
        break;
      }
      case 8: {
        auto other = std::make_unique<Ring>();
        if (other->attach(fd_, 0) != 0) break;
        ring_ = std::move(other);
        listen();
        break;
      }
      case 9:
        static_cast<void>(ring_->shut(input.next<uint8_t>() % 2 != 0, kNow));
        break;
      case 10:
        static_cast<void>(ring_->arm_not_empty(kNow));
        static_cast<void>(ring_->arm_not_full(input.next<uint32_t>(), kNow));
        break;
      case 11:
        if (ring_->has_ledger()) static_cast<void>(ring_->finish(kNow));
        break;
      case 12:
        if (ring_->has_ledger()) {
          static_cast<void>(ring_->arm_joined(kNow));
          Ledger::Account accounts[4];
          CHECK(ring_->accounts(accounts, 4) <= 4);
        }
        break;
      case 13: {
        const std::vector<int> descriptors(input.next<uint8_t>() % 4, events_[0]);
        const uint8_t byte = 0;
        const Ring::Record record{&byte, 1, 7};
        uint32_t done = 0;
        const Status status = ring_->try_put(&record, 1, &done, kNow, &descriptors);
        CHECK((status == Status::kOk) == (done > 0));
        break;
      }
      case 14: {
        // A packet that is no parcel, or one that nobody has announced.
        const auto packet = input.next<std::array<uint8_t, 24>>();
        CHECK(send(parcels_[0], packet.data(), input.next<uint8_t>() % packet.size(), MSG_NOSIGNAL) >= 0 ||
              errno == EAGAIN);
        break;
      }
      default:
        static_cast<void>(ring_->items());
        static_cast<void>(ring_->full());
        break;
    }
  }

 private:
  void listen() {
    ring_->set_events(events_[0], events_[1], events_[2]);
    ring_->set_parcels(parcels_[0], parcels_[1]);
  }

  void overwrite(uint64_t offset, const void* bytes, uint64_t count) {
    count = std::min(count, bytes_ - offset);
    if (!is_of_a_lock(offset, count)) CHECK(pwrite(fd_, bytes, count, static_cast<off_t>(offset)) >= 0);
  }

  void take(uint32_t max) {
    // Exactly as large as it is said to be, so that a sanitizer sees one byte too many.
    std::vector<uint8_t> into(kRoom);
    Ring::Taken taken[4];
    uint32_t count = 0;
    std::vector<int> descriptors;
    const Status status = ring_->try_get(into.data(), into.size(), max, taken, &count, kNow, &descriptors);
    for (const int fd : descriptors) CHECK(close(fd) == 0);
    CHECK(count <= max && (status == Status::kOk) == (count > 0));
    for (uint32_t i = 0; i < count; i++) CHECK(uint64_t{taken[i].offset} + taken[i].length <= kRoom);
  }

  int fd_ = -1;
  int events_[3] = {-1, -1, -1};
  int parcels_[2] = {-1, -1};
  uint64_t bytes_ = 0;
  std::unique_ptr<Ring> ring_ = std::make_unique<Ring>();
};

}  // namespace

void suffer(const uint8_t* data, size_t length) {
  const int64_t begin = monotonic_ns();
  Input input(data, length);
  Victim victim(input.next<uint8_t>());
  for (uint32_t step = 0; step < kMostSteps && !input.empty(); step++) victim.step(input);
  CHECK(monotonic_ns() - begin < kHangNs);
}

void hostile(uint32_t inputs) {
  // What did harm once: a slot behind the used ones that says it is somebody's, which enrol then tried for ever.
  constexpr uint8_t kForeignSlot[] = {4, 5, 1, 0, 0, 0, 32, 11};
  // The count of used slots beyond all that there are: the same.
  constexpr uint8_t kTooManySlots[] = {4, 5, 0xff, 0xff, 0xff, 0xff, 4, 11};
  suffer(kForeignSlot, sizeof kForeignSlot);
  suffer(kTooManySlots, sizeof kTooManySlots);
  // A jump up to the tail: something is there, and no record of it.
  constexpr auto kJump = static_cast<uint8_t>(offsetof(RingHeader, jump_back) & 0xff);
  constexpr auto kTail = static_cast<uint8_t>(offsetof(RingHeader, tail) & 0xff);
  constexpr uint8_t kJumpAlone[] = {0, 3, 1,     0, 0, 0, 0, 0, 0, 0, kJump, offsetof(RingHeader, jump_back) >> 8,
                                    3, 1, 0,     0, 0, 0, 0, 0, 0, kTail, offsetof(RingHeader, tail) >> 8, 1};
  suffer(kJumpAlone, sizeof kJumpAlone);

  std::minstd_rand random(1);
  std::vector<uint8_t> bytes;
  for (uint32_t i = 0; i < inputs; i++) {
    bytes.resize(random() % 300);
    // Small numbers are commands and likely fields; the rest is anything.
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random() % 2 == 0 ? random() % 16 : random() >> 8);
    suffer(bytes.data(), bytes.size());
  }
}

}  // namespace forkful::test
