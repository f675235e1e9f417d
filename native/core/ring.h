#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/deadline.h"
#include "core/ring_layout.h"
#include "core/shared_memory.h"
#include "core/spin.h"
#include "core/status.h"

namespace forkful {

// A many-to-many queue of variable-length records in shared memory that survives the death of any user at any
// instruction (the "strict two-lock" ring).
//
// Invariants, which hold between any two instructions of anybody:
//  1. A record exists if and only if it lies between head and tail. put writes the record, then stores tail once; get
//     copies the record out, then stores head once. Who dies before the store has done nothing.
//  2. A side that may make somebody's condition true looks for waiters and wakes them *before* its commit, under its
//     lock; a wakee then has to take that lock to look, so it looks after the commit, or after the waker's death.
//  3. A waiter registers under the *opposite* lock, after looking once more there, and reads the sequence before it
//     sets the flag: nobody can commit between its look and its registration.
//  4. Recovery (EOWNERDEAD) wakes everybody and clears no flag: it may hold the wrong lock for it.
//  5. Who shuts the ring holds both locks, the producers' first: so 2 and 3 hold for waiters of both sides. Who drained the
//     ring and gives memory back holds both as well, but does not wait for the second. Nobody else ever holds two.
//  6. A record with descriptors lies between head and tail only while its parcel lies in the ring's socket: put sends the
//     parcel before its commit, get takes copies before its own and the parcel away behind it. Parcels are numbered under
//     the producers' lock and so lie in the order of their records; those of who died between, on either side, have
//     smaller numbers than any record's that can still come, and go when the next one is taken, or with the ring.
//
// With a ledger, who joins waits for its balance: that changes under the consumers' lock, and so registers its waiters.
//
// Event loops wait on eventfds that are written and never read; each process watches them edge-triggered through an
// epoll of its own, so no waiter can take another's wake-up. Unrelated processes, who cannot come by each other's
// eventfds, watch the ring's file instead: a wake-up writes a word of it, and what inotify tells is each watcher's own.
class Ring {
 public:
  struct Limits {
    uint64_t data_bytes = uint64_t{4} << 30;  // virtual; a power of two
    uint64_t max_bytes = 0;                   // bound on pending bytes; 0: none. A larger record passes alone
    uint32_t max_items = 0;                   // bound on pending records; 0: none
    uint32_t first_count = 0;                 // where the wrapping counters start (for tests)
    bool in_file = false;                     // the memory is a file's, whose file system may be full
    bool has_ledger = false;                  // counts what each process takes and is done with
  };
  struct Record {
    const uint8_t* data;
    uint32_t length;  // of all of it
    uint32_t tag;
    const uint8_t* lead = nullptr;  // the first bytes, if they lie elsewhere
    uint32_t lead_length = 0;
  };
  struct Taken {
    uint32_t tag;
    uint32_t length;
    uint32_t offset;  // in the destination
    uint32_t unused;
  };

  static size_t header_bytes(bool has_ledger = false);
  static uint64_t region_bytes(uint64_t data_bytes, bool has_ledger = false) {
    return header_bytes(has_ledger) + data_bytes;
  }

  // Both return 0 or an errno; EPROTO: the header is not that of such a ring.
  [[nodiscard]] int create(int fd, uint64_t offset, const Limits& limits);
  [[nodiscard]] int attach(int fd, uint64_t offset);
  void detach();
  bool attached() const { return static_cast<bool>(mapping_); }
  // The socket into which records' descriptors go, and the one from which they come; -1: none. Not owned.
  void set_parcels(int out, int in) {
    parcels_out_ = out;
    parcels_in_ = in;
  }
  // For a ring in a file, in place of the events: who waits watches the file (inotify). Not owned.
  void set_file(int fd) {
    file_fd_ = fd;
    file_offset_ = header_bytes(has_ledger());
  }
  // The eventfds of those who wait for records, for room and for the ledger; -1: none. Not owned.
  void set_events(int not_empty_fd, int not_full_fd, int joined_fd = -1);

  // Appends as many of the records as fit, in one commit, and says how many. Never sleeps for room; waits for the
  // lock until the deadline, at least a millisecond.
  // With `descriptors` it is one record, and kBusy also means that no more parcels may wait.
  [[nodiscard]] Status try_put(const Record* records, uint32_t count, uint32_t* done, const Deadline& lock_deadline,
                               const std::vector<int>* descriptors = nullptr);
  // The same, asleep until the first one fits; kFull at the deadline.
  [[nodiscard]] Status put(const Record* records, uint32_t count, uint32_t* done, const Deadline& deadline,
                           const std::vector<int>* descriptors = nullptr);

  // Moves at most `max` records into `into`, each at a multiple of 8. One with descriptors comes alone, its tag with
  // kWithParcel; they become the caller's, if it takes them. Without a socket for them they stay where they are.
  [[nodiscard]] Status try_get(uint8_t* into, size_t room, uint32_t max, Taken* taken, uint32_t* count,
                               const Deadline& lock_deadline, std::vector<int>* descriptors = nullptr);
  [[nodiscard]] Status get(uint8_t* into, size_t room, uint32_t max, Taken* taken, uint32_t* count,
                           const Deadline& deadline, std::vector<int>* descriptors = nullptr);

  // Registers this process's event loop: kEmpty/kFull when it is armed, kOk when there is no need to wait.
  [[nodiscard]] Status arm_not_empty(const Deadline& lock_deadline);
  [[nodiscard]] Status arm_not_full(uint32_t length, const Deadline& lock_deadline);

  void limit_spinning(int64_t most_ns) {
    consumer_spin_.limit(most_ns);
    producer_spin_.limit(most_ns);
  }

  // From the return on every put fails with kShut, and every get when nothing is left; `drop` leaves nothing. Those who
  // wait are told. kBusy: a lock was not to be had, nothing has happened.
  [[nodiscard]] Status shut(bool drop, const Deadline& lock_deadline);
  bool is_shut() const { return header().shut.load(std::memory_order_acquire) != Shut::kOpen; }

  // With a ledger only. One record that was taken, by this process or, failing that, by one that has ended, is done;
  // kEmpty: everything is.
  [[nodiscard]] Status finish(const Deadline& lock_deadline);
  // kOk if everything that was put is done; else registers this process's event loop, which is also told when another
  // process begins to take: kFull.
  [[nodiscard]] Status arm_joined(const Deadline& lock_deadline);
  uint32_t accounts(Ledger::Account* into, uint32_t room) const { return ledger_->read(into, room); }
  bool has_ledger() const { return ledger_ != nullptr; }

  uint32_t items() const;
  bool full() const;
  uint32_t max_items() const { return max_items_; }
  uint64_t max_bytes() const { return max_bytes_; }
  uint64_t recoveries() const { return header().recoveries.load(std::memory_order_relaxed); }

 private:
  // Never given back to the system: a few pages that are always hot.
  static constexpr uint64_t kKeptBytes = uint64_t{3} << 20;
  static constexpr uint64_t kChunkBytes = uint64_t{1} << 20;  // granularity of giving memory back

  RingHeader& header() const { return *reinterpret_cast<RingHeader*>(mapping_.header()); }
  uint8_t* at(uint32_t position) const {
    return mapping_.data() + (uint64_t{position} * kUnit & (data_bytes_ - 1));
  }
  uint64_t offset_of(uint32_t position) const { return uint64_t{position} * kUnit & (data_bytes_ - 1); }
  static uint32_t units_for(uint32_t length) { return 1 + length / kUnit + (length % kUnit != 0); }

  Status lock(RobustMutex& mutex, const Deadline& deadline);
  Status lock_to_arm(RobustMutex& mutex, const Deadline& deadline);
  Status repaired(RobustMutex& mutex, RobustMutex::Outcome outcome);
  void recover();
  void wake(WaitState& waiters, int event_fd);
  void signal(int event_fd);
  bool reserve(uint32_t position, uint64_t bytes);
  Status poison();
  bool poisoned() const { return header().corrupt.load(std::memory_order_relaxed) != 0; }

  Jumps jumps() const;
  bool is_allowed(Cursor tail, Cursor head, const Jumps& jumps, uint32_t units) const;
  uint64_t room(uint32_t tail, uint32_t reclaimed, const Jumps& jumps) const;
  std::optional<uint32_t> place(uint32_t tail, uint32_t reclaimed, const Jumps& jumps, uint32_t units) const;
  bool fits_now(uint32_t units) const;
  bool may_grow(uint32_t position, uint32_t units, const Jumps& jumps);
  bool grow(uint32_t position, uint64_t bytes, uint64_t end, const Jumps& jumps);
  bool hold(uint64_t end, uint64_t spare);
  bool holds() const;
  bool is_tight() const { return header().tight.load(std::memory_order_acquire) != 0; }
  uint64_t held_limit() const;
  void stop_holding();
  bool may_grow_behind(uint32_t position, uint64_t bytes, const Jumps& jumps);
  void make_touched(uint32_t position, uint64_t bytes);
  void look(Cursor& head);
  void forget_jumps(uint32_t tail);
  bool should_jump_back(uint32_t tail, uint32_t units) const;
  void announce(std::atomic<uint64_t>& word, const Jump& jump);
  Status append(const Record* records, uint32_t count, uint32_t* done, const std::vector<int>* descriptors);
  Status send_parcel_for(const std::vector<int>& descriptors, ParcelNumber* number);
  Status take(uint8_t* into, size_t room, uint32_t max, Taken* taken, uint32_t* count, std::vector<int>* descriptors);
  void set_ledger(bool has_ledger);
  void set_data_bytes(uint64_t bytes);
  void drop_all();
  Status enrol(const Deadline& lock_deadline);
  uint32_t unfinished() const;
  void reclaim(uint32_t head);
  uint32_t reclaim_boundary(uint32_t head) const;
  void discard_span(uint32_t from, uint32_t to);
  bool may_release() const;
  void release_held(Cursor head);
  template <class Ready>
  bool sleep(WaitState& waiters, RobustMutex& opposite, SpinBudget& budget, const Deadline& deadline, Ready ready);

  MirroredMapping mapping_;
  // Private copies: a hostile header cannot change them later.
  uint64_t data_bytes_ = 0;
  uint64_t max_bytes_ = 0;
  uint32_t max_items_ = 0;
  uint64_t most_held_ = 0;  // memory before this offset is given back only when the ring is empty
  int not_empty_fd_ = -1;
  int not_full_fd_ = -1;
  int joined_fd_ = -1;
  int file_fd_ = -1;
  uint64_t file_offset_ = 0;  // where the data area begins in the file
  int parcels_out_ = -1;
  int parcels_in_ = -1;
  Ledger* ledger_ = nullptr;  // inside the mapping
  uint32_t slot_ = 0;         // of this process in the ledger, while its number is slot_pid_
  uint32_t slot_pid_ = 0;
  std::atomic<uint32_t> seen_items_ = 0;  // of tail, by this Ring: a hint that there is something
  SpinBudget consumer_spin_;
  SpinBudget producer_spin_;
};

}  // namespace forkful
