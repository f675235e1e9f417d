#include "core/ring.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "core/fault_point.h"
#include "core/futex.h"
#include "core/parcel.h"

namespace forkful {
namespace {

// Behind this offset a producer starts again at 0 when it can, so that a queue stays within memory that is mapped and in
// the cache.
constexpr uint64_t kRestartBytes = uint64_t{1} << 20;
// Nobody looks at the memory before so much is real: what every ring may have.
constexpr uint64_t kUnaskedBytes = uint64_t{16} << 10;
constexpr uint32_t kPopulateBytes = 64 * 1024;  // records from which on page faults one by one cost more
constexpr uint32_t kRestartCheckUnits = 4096 / kUnit;
constexpr int64_t kLockPatienceNs = 1'000'000;
constexpr int kYields = 2;

void nap(int64_t nanoseconds) {
  const timespec length{0, nanoseconds};
  nanosleep(&length, nullptr);
}

}  // namespace

size_t Ring::header_bytes(bool has_ledger) {
  return whole_pages(sizeof(RingHeader) + (has_ledger ? sizeof(Ledger) : 0));
}

int Ring::create(int fd, uint64_t offset, const Limits& limits) {
  if (!std::has_single_bit(limits.data_bytes) || limits.data_bytes < page_size() ||
      limits.data_bytes > (uint64_t{4} << 30)) {
    return EINVAL;
  }
  if (const int error = mapping_.map(fd, offset, header_bytes(limits.has_ledger), limits.data_bytes)) return error;
  if (limits.in_file) {
    // The pages of the header and of the kept part are the file's from the start: no access can find it full (SIGBUS).
    const uint64_t kept = header_bytes(limits.has_ledger) + std::min(kKeptBytes, limits.data_bytes);
    if (const int error = make_real(fd, offset, kept)) return error;
  }
  RingHeader& h = header();
  h.version = kRingVersion;
  h.abi = kAbi;
  h.in_file = limits.in_file;
  h.header_bytes = static_cast<uint32_t>(header_bytes(limits.has_ledger));
  h.has_ledger = limits.has_ledger;
  set_ledger(limits.has_ledger);
  if (ledger_ != nullptr) ledger_->initialise(limits.first_count);
  h.data_bytes = limits.data_bytes;
  set_data_bytes(limits.data_bytes);
  h.max_bytes = max_bytes_ = limits.max_bytes;
  h.max_items = max_items_ = limits.max_items;
  const Cursor start{limits.first_count, limits.first_count};
  h.tail = h.head = start.pack();
  h.producers.seen_head = h.consumers.seen_tail = start.pack();
  h.producers.seen_reclaimed = start.position;
  h.producers.restart_checked = start.position;
  h.reclaimed = start.position;
  h.held = std::min(limits.in_file ? kKeptBytes : kUnaskedBytes, most_held_);  // a file's are real, by the above
  if (!h.producers.lock.initialise() || !h.consumers.lock.initialise()) return ENOSYS;
  h.magic = kRingMagic;
  return 0;
}

int Ring::attach(int fd, uint64_t offset) {
  // Read the header by a mapping of its own first: the data's size is not known yet and must not be believed.
  struct stat file;
  if (fstat(fd, &file) != 0) return errno;
  const uint64_t file_bytes = static_cast<uint64_t>(file.st_size);
  if (offset + header_bytes() > file_bytes) return EPROTO;
  struct {
    uint64_t magic;
    uint32_t version, header_bytes;
    uint64_t data_bytes, max_bytes;
    uint32_t max_items, corrupt, shut, has_ledger, abi, in_file;
  } first{};
  static_assert(offsetof(RingHeader, in_file) == 52);
  if (pread(fd, &first, sizeof first, static_cast<off_t>(offset)) != static_cast<ssize_t>(sizeof first)) return EPROTO;
  const bool has_ledger = first.has_ledger != 0;
  if (first.magic != kRingMagic || first.version != kRingVersion || first.abi != kAbi ||
      first.header_bytes != header_bytes(has_ledger) ||
      !std::has_single_bit(first.data_bytes) || first.data_bytes < page_size() ||
      first.data_bytes > (uint64_t{4} << 30) || offset + region_bytes(first.data_bytes, has_ledger) > file_bytes) {
    return EPROTO;
  }
  if (const int error = mapping_.map(fd, offset, header_bytes(has_ledger), first.data_bytes)) return error;
  set_ledger(has_ledger);
  set_data_bytes(first.data_bytes);
  max_bytes_ = first.max_bytes;
  max_items_ = first.max_items;
  return 0;
}

void Ring::set_ledger(bool has_ledger) {
  ledger_ = has_ledger ? reinterpret_cast<Ledger*>(mapping_.header() + sizeof(RingHeader)) : nullptr;
  slot_pid_ = 0;
}

void Ring::detach() {
  ledger_ = nullptr;
  mapping_.reset();
}

void Ring::set_events(int not_empty_fd, int not_full_fd, int joined_fd) {
  not_empty_fd_ = not_empty_fd;
  not_full_fd_ = not_full_fd;
  joined_fd_ = joined_fd;
}

// ---------------------------------------------------------------------------------------------------------------
// Locks, wake-ups, recovery

Status Ring::lock(RobustMutex& mutex, const Deadline& deadline) {
  RobustMutex::Outcome outcome = mutex.lock(Deadline::in_ms(0));
  if (outcome == RobustMutex::Outcome::kTimedOut) {
    // Holders need nanoseconds. Who does not want to wait for a record waits for those all the same.
    const Deadline patience = Deadline::in_ns(kLockPatienceNs);
    outcome = mutex.lock(deadline.at_ns() > patience.at_ns() ? deadline : patience);
  }
  return repaired(mutex, outcome);
}

// For an event loop. Who woke it holds the lock, and on one processor was interrupted by that: he needs a moment. To sleep
// instead costs a loop more than these switches; sleepers on futexes it lets run ahead of each other.
Status Ring::lock_to_arm(RobustMutex& mutex, const Deadline& deadline) {
  for (int i = 0; i < kYields; i++) {
    const RobustMutex::Outcome outcome = mutex.lock(Deadline::in_ms(0));
    if (outcome != RobustMutex::Outcome::kTimedOut) return repaired(mutex, outcome);
    sched_yield();
  }
  return lock(mutex, deadline);
}

// What follows from the attempt to lock it.
Status Ring::repaired(RobustMutex& mutex, RobustMutex::Outcome outcome) {
  switch (outcome) {
    case RobustMutex::Outcome::kOwnerDied:
      FAULT_POINT(recovery_made_consistent);
      // A consumer that died behind its commit has not given back what it drained. If it had taken the last record, no
      // other take will: producers would wait for room in an empty ring for ever.
      if (&mutex == &header().consumers.lock) {
        const Cursor head = Cursor::unpack(header().head.load(std::memory_order_relaxed));
        if (ledger_ != nullptr) ledger_->repair(head.items);
        reclaim(head.position);
        if (header().shut.load(std::memory_order_acquire) == Shut::kAndEmpty) drop_all();
      }
      FAULT_POINT(recovery_reclaimed);
      recover();
      [[fallthrough]];
    case RobustMutex::Outcome::kLocked:
      return Status::kOk;
    case RobustMutex::Outcome::kTimedOut:
      return Status::kBusy;
    default:
      return poison();
  }
}

void Ring::signal(int event_fd) {
  const uint64_t one = 1;
  ssize_t written = 0;
  if (file_fd_ >= 0) {
    written = pwrite(file_fd_, &one, sizeof one, static_cast<off_t>(offsetof(RingHeader, bell)));
  } else if (event_fd >= 0) {
    // EAGAIN would take 2^64 - 2 writes, and would still leave the descriptor readable.
    written = write(event_fd, &one, sizeof one);
  }
  static_cast<void>(written);
}

// Invariant 4. The dead one may have cleared a flag and not woken, or woken and not committed: wake everybody, let
// them look. seen_* are lower bounds whatever they are; an uncommitted jump is forgotten by the next put.
void Ring::recover() {
  RingHeader& h = header();
  h.recoveries.fetch_add(1, std::memory_order_relaxed);
  for (WaitState* waiters : {&h.not_empty, &h.not_full}) {
    waiters->sequence.fetch_add(1, std::memory_order_release);  // pairs with the acquire load in sleep
    FAULT_POINT(recovery_sequence_bumped);
    futex_wake_all(waiters->sequence);
    FAULT_POINT(recovery_sleepers_woken);
  }
  signal(not_empty_fd_);
  FAULT_POINT(recovery_consumers_told);
  signal(not_full_fd_);
  FAULT_POINT(recovery_producers_told);
  signal(joined_fd_);
}

// Invariant 2: called under the lock of the side that is about to commit.
void Ring::wake(WaitState& waiters, int event_fd) {
  if (waiters.sleeping.load(std::memory_order_relaxed) != 0) [[unlikely]] {
    waiters.sleeping.store(0, std::memory_order_relaxed);
    FAULT_POINT(wake_flag_cleared);
    waiters.sequence.fetch_add(1, std::memory_order_relaxed);
    FAULT_POINT(wake_sequence_bumped);
    futex_wake_all(waiters.sequence);
    FAULT_POINT(wake_sleepers_woken);
  }
  if (waiters.armed.load(std::memory_order_relaxed) != 0) [[unlikely]] {
    waiters.armed.store(0, std::memory_order_relaxed);
    FAULT_POINT(wake_disarmed);
    signal(event_fd);
    FAULT_POINT(wake_event_written);
  }
}

Status Ring::poison() {
  header().corrupt.store(1, std::memory_order_relaxed);
  recover();
  return Status::kCorrupt;
}

// Invariant 3. Called without any lock; true when it is worth while to look again, false at the deadline.
template <class Ready>
bool Ring::sleep(WaitState& waiters, RobustMutex& opposite, SpinBudget& budget, const Deadline& deadline,
                 Ready ready) {
  if (deadline.is_poll()) return false;
  FAULT_POINT(sleep_begun);
  const int64_t begun = budget.allowed() ? monotonic_ns() : 0;
  if (budget.spin(ready)) return true;
  if (const Status status = lock(opposite, deadline); status != Status::kOk) return status == Status::kCorrupt;
  FAULT_POINT(sleep_locked);
  if (ready()) {
    opposite.unlock();
    return true;
  }
  FAULT_POINT(sleep_checked);
  const uint32_t sequence = waiters.sequence.load(std::memory_order_acquire);
  FAULT_POINT(sleep_sequence_read);
  // Poisoning needs no lock of ours and comes before its bump: whoever has read the bumped sequence sees it here.
  if (poisoned()) {
    opposite.unlock();
    return true;
  }
  waiters.sleeping.store(1, std::memory_order_relaxed);
  FAULT_POINT(sleep_flag_set);
  opposite.unlock();
  FAULT_POINT(sleep_unlocked);
  futex_wait(waiters.sequence, sequence, deadline);
  FAULT_POINT(sleep_woken);
  if (budget.allowed()) budget.slept(monotonic_ns() - begun);
  return !deadline.passed();
}

// ---------------------------------------------------------------------------------------------------------------
// Producers

Jumps Ring::jumps() const {
  const RingHeader& h = header();
  return {Jump::unpack(h.jump_back.load(std::memory_order_relaxed)),
          Jump::unpack(h.jump_out.load(std::memory_order_relaxed))};
}

// Pure arithmetic on a snapshot, as the next two: head and reclaimed may be older than they are, then there is more room,
// not less.
bool Ring::is_allowed(Cursor tail, Cursor head, const Jumps& jumps, uint32_t units) const {
  if (max_items_ != 0 && tail.items - head.items >= max_items_) return false;
  if (max_bytes_ == 0) return true;
  const uint32_t used = tail.position - head.position - jumps.within(head.position, tail.position);
  return used == 0 || (uint64_t{used} + units) * kUnit <= max_bytes_;
}

// How many bytes may lie from tail on.
uint64_t Ring::room(uint32_t tail, uint32_t reclaimed, const Jumps& jumps) const {
  uint64_t taken = uint64_t{tail - reclaimed} * kUnit;
  uint64_t limit = data_bytes_;
  if (jumps.out.within(reclaimed, tail)) {
    taken = offset_of(jumps.out.end()) + uint64_t{tail - jumps.out.end()} * kUnit;
  } else if (jumps.back.within(reclaimed, tail)) {
    taken = offset_of(tail);
    limit = offset_of(reclaimed);
  }
  return limit - std::min(limit, taken);
}

// How many units behind tail the next record may lie: none, or those of a jump out. Nothing: it must wait until memory is
// given back.
std::optional<uint32_t> Ring::place(uint32_t tail, uint32_t reclaimed, const Jumps& jumps, uint32_t units) const {
  const uint64_t bytes = uint64_t{units} * kUnit;
  if (bytes <= room(tail, reclaimed, jumps)) return 0;
  if (!jumps.back.within(reclaimed, tail) || jumps.out.within(reclaimed, tail)) return std::nullopt;
  const uint64_t beyond = (offset_of(jumps.back.at) / kChunkBytes + 1) * kChunkBytes;
  if (beyond + bytes > data_bytes_) return std::nullopt;
  return static_cast<uint32_t>((beyond - offset_of(tail)) / kUnit);
}

bool Ring::fits_now(uint32_t units) const {
  const RingHeader& h = header();
  const Cursor head = Cursor::unpack(h.head.load(std::memory_order_acquire));
  const uint32_t reclaimed = h.reclaimed.load(std::memory_order_acquire);
  const Cursor tail = Cursor::unpack(h.tail.load(std::memory_order_acquire));
  const Jumps now = jumps();  // at least as new as tail
  return is_allowed(tail, head, now, units) && place(tail.position, reclaimed, now, units);
}

// Whether the memory for [position, position + units) may become real.
bool Ring::may_grow(uint32_t position, uint32_t units, const Jumps& jumps) {
  const uint64_t bytes = uint64_t{units} * kUnit;
  uint64_t end = offset_of(position) + bytes;
  if (most_held_ == data_bytes_) end = std::min(end, data_bytes_);  // what wraps needs all of it
  return end <= header().held.load(std::memory_order_relaxed) || grow(position, bytes, end, jumps);
}

void Ring::look(Cursor& head) {
  RingHeader& h = header();
  head = Cursor::unpack(h.head.load(std::memory_order_acquire));
  h.producers.seen_head = head.pack();
  h.producers.seen_reclaimed = h.reclaimed.load(std::memory_order_acquire);
}

// Those that are over, before the positions come round to them again, and those whose producer died before its commit.
void Ring::forget_jumps(uint32_t tail) {
  RingHeader& h = header();
  for (std::atomic<uint64_t>* word : {&h.jump_back, &h.jump_out}) {
    const Jump jump = Jump::unpack(word->load(std::memory_order_relaxed));
    if (jump.units == 0 || jump.within(h.producers.seen_reclaimed, tail)) continue;
    word->store(0, std::memory_order_relaxed);
    FAULT_POINT(restart_jump_forgotten);
  }
}

// Whether it is worth while: what lies in memory is no more than what lies free before it.
bool Ring::should_jump_back(uint32_t tail, uint32_t units) const {
  const Jumps now = jumps();
  if (now.back.units != 0 || now.out.units != 0) return false;
  const uint32_t piece = tail - header().producers.seen_reclaimed;
  const auto end = static_cast<uint32_t>(offset_of(tail) / kUnit);
  return piece <= end / 2 && units <= end - piece;
}

// Nobody looks at the jump before the commit that makes it part of the sequence.
void Ring::announce(std::atomic<uint64_t>& word, const Jump& jump) {
  auto& p = header().producers;
  const uint32_t granted_end = p.granted_from + p.granted_units;
  p.granted_units = 0;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  // What was reserved for what would have come here.
  if (file_fd_ >= 0 && granted_end - jump.at < UINT32_MAX / 2) discard_span(jump.at, granted_end);
  FAULT_POINT(restart_discarded);
  word.store(jump.pack(), std::memory_order_relaxed);
  FAULT_POINT(restart_announced);
}

// Invariant 6, the producer's half: under its lock, and before the commit. A number is used once even if the sending
// fails, or its process ends here.
Status Ring::send_parcel_for(const std::vector<int>& descriptors, ParcelNumber* number) {
  *number = ++header().producers.parcels;
  FAULT_POINT(parcel_numbered);
  const int result = send_parcel(parcels_out_, *number, descriptors);
  if (result == -EAGAIN) return Status::kBusy;
  // Nobody is left at the other end: that is not the ring's to tell, and the descriptors are nobody's.
  if (result == -EPIPE || result == -ECONNRESET) return Status::kOk;
  if (result != 0) return Status::kDescriptors;
  FAULT_POINT(parcel_sent);
  return Status::kOk;
}

Status Ring::append(const Record* records, uint32_t count, uint32_t* done, const std::vector<int>* descriptors) {
  RingHeader& h = header();
  auto& p = h.producers;
  const Cursor tail = Cursor::unpack(h.tail.load(std::memory_order_relaxed));
  Cursor head = Cursor::unpack(p.seen_head);
  Cursor next = tail;
  const uint32_t prefix = descriptors != nullptr ? sizeof(ParcelNumber) : 0;
  const bool is_far = offset_of(tail.position) >= kRestartBytes;
  const bool looks = is_far && (head == tail || tail.position - p.restart_checked >= kRestartCheckUnits);
  if (looks) [[unlikely]] {
    p.restart_checked = tail.position;
    look(head);
    FAULT_POINT(restart_looked);
  }
  forget_jumps(tail.position);
  if (is_far && should_jump_back(tail.position, units_for(records[0].length) + prefix / kUnit)) [[unlikely]] {
    const auto left = static_cast<uint32_t>((data_bytes_ - offset_of(tail.position)) / kUnit);
    announce(h.jump_back, {tail.position, left});
    next.position += left;
  }
  Jumps now = jumps();

  Status status = Status::kOk;
  uint32_t written = 0;
  for (; written < count; written++) {
    const Record& record = records[written];
    const uint32_t units = units_for(record.length) + prefix / kUnit;
    if (uint64_t{units} * kUnit > data_bytes_ - std::min(kChunkBytes, data_bytes_ / 2)) {
      status = Status::kTooLarge;
      break;
    }
    std::optional<uint32_t> skip = place(next.position, p.seen_reclaimed, now, units);
    if (skip != 0 || !is_allowed(next, head, now, units)) {
      look(head);
      if (tail.items - head.items > tail.position - head.position) return poison();
      skip = place(next.position, p.seen_reclaimed, now, units);
      if (!skip || !is_allowed(next, head, now, units)) {
        status = Status::kFull;
        break;
      }
    }
    if (*skip != 0) [[unlikely]] {
      announce(h.jump_out, {next.position, *skip});
      FAULT_POINT(restart_led_out);
      now = jumps();
    }
    const uint32_t position = next.position + *skip;
    if (!may_grow(position, units, now)) {
      if (written == 0 && is_far && !looks) {  // what has been drained meanwhile may do
        p.restart_checked = tail.position - kRestartCheckUnits;
        return append(records, count, done, descriptors);
      }
      status = Status::kNoMemory;
      break;
    }
    uint8_t* into = at(position);
    if (record.length >= kPopulateBytes) make_touched(position, uint64_t{units} * kUnit);
    RecordHeader record_header{record.length, record.tag};
    if (descriptors != nullptr) [[unlikely]] {
      ParcelNumber number;
      if (status = send_parcel_for(*descriptors, &number); status != Status::kOk) break;
      record_header = {record.length + prefix, record.tag | kWithParcel};
      memcpy(into + sizeof record_header, &number, sizeof number);
    }
    memcpy(into, &record_header, sizeof record_header);
    FAULT_POINT(put_header_written);
    // An empty record may come without an address, which memcpy must not be given.
    uint8_t* bytes = into + sizeof record_header + prefix;
    const uint32_t rest = record.length - record.lead_length;
    if (record.lead_length > 0) [[unlikely]] memcpy(bytes, record.lead, record.lead_length);
    if (rest > 0) memcpy(bytes + record.lead_length, record.data, rest);
    FAULT_POINT(put_record_written);
    next.position = position + units;
    next.items += 1;
  }
  *done = written;
  if (written == 0) return status;
  wake(h.not_empty, not_empty_fd_);
  FAULT_POINT(put_woken);
  h.tail.store(next.pack(), std::memory_order_release);  // pairs with the acquire loads of tail in take
  FAULT_POINT(put_committed);
  return Status::kOk;
}

Status Ring::try_put(const Record* records, uint32_t count, uint32_t* done, const Deadline& lock_deadline,
                     const std::vector<int>* descriptors) {
  *done = 0;
  if (poisoned()) [[unlikely]] return Status::kCorrupt;
  RobustMutex& mutex = header().producers.lock;
  if (const Status status = lock(mutex, lock_deadline); status != Status::kOk) return status;
  FAULT_POINT(put_locked);
  const Status status = is_shut() ? Status::kShut : append(records, count, done, descriptors);
  mutex.unlock();
  FAULT_POINT(put_unlocked);
  // Nobody tells when a parcel is taken: who waits for that looks now and then.
  if (status == Status::kBusy) nap(kLockPatienceNs);
  return status;
}

Status Ring::put(const Record* records, uint32_t count, uint32_t* done, const Deadline& deadline,
                 const std::vector<int>* descriptors) {
  for (;;) {
    const Status status = try_put(records, count, done, deadline, descriptors);
    if (status != Status::kFull) return status;
    RingHeader& h = header();
    const uint32_t units = units_for(records[0].length) + (descriptors != nullptr ? sizeof(ParcelNumber) / kUnit : 0);
    if (!sleep(h.not_full, h.consumers.lock, producer_spin_, deadline, [&] { return fits_now(units) || is_shut(); })) {
      return try_put(records, count, done, Deadline::in_ms(0), descriptors);
    }
  }
}

Status Ring::arm_not_full(uint32_t length, const Deadline& lock_deadline) {
  RingHeader& h = header();
  if (const Status status = lock_to_arm(h.consumers.lock, lock_deadline); status != Status::kOk) return status;
  FAULT_POINT(arm_locked);
  const bool ready = poisoned() || is_shut() || fits_now(units_for(length));
  FAULT_POINT(arm_checked);
  if (!ready) h.not_full.armed.store(1, std::memory_order_relaxed);
  FAULT_POINT(arm_flag_set);
  h.consumers.lock.unlock();
  FAULT_POINT(arm_unlocked);
  return ready ? Status::kOk : Status::kFull;
}

// ---------------------------------------------------------------------------------------------------------------
// Consumers

Status Ring::take(uint8_t* into, size_t room, uint32_t max, Taken* taken, uint32_t* count,
                  std::vector<int>* descriptors) {
  RingHeader& h = header();
  const Cursor head = Cursor::unpack(h.head.load(std::memory_order_relaxed));
  Cursor tail = Cursor::unpack(h.consumers.seen_tail);
  if (head == tail) {
    tail = Cursor::unpack(h.tail.load(std::memory_order_acquire));
    h.consumers.seen_tail = tail.pack();
    if (head == tail) return Status::kEmpty;
  }
  Cursor next = head;
  const Jumps now = jumps();
  size_t used = 0;
  uint32_t moved = 0;
  bool with_parcel = false;
  while (moved < max && next != tail) {
    uint32_t position = next.position;
    if (now.back.units != 0 && now.back.at == position) position = now.back.end();
    if (now.out.units != 0 && now.out.at == position) position = now.out.end();
    const uint8_t* place = at(position);
    RecordHeader record;
    memcpy(&record, place, sizeof record);  // read once: what is checked is what is used
    const uint32_t units = units_for(record.length);
    if (units > tail.position - position || uint64_t{units} * kUnit > data_bytes_) return poison();
    uint32_t prefix = 0;
    if ((record.tag & kWithParcel) != 0) [[unlikely]] {
      if (moved > 0) break;
      prefix = sizeof(ParcelNumber);
      if (record.length < prefix) return poison();
      record.length -= prefix;
    }
    if (record.length > room - used) {
      if (moved > 0) break;
      taken[0].length = record.length;
      return Status::kShort;
    }
    if (prefix != 0 && parcels_in_ >= 0 && descriptors != nullptr) {
      ParcelNumber number;
      memcpy(&number, place + sizeof record, sizeof number);
      const int found = peek_parcel(parcels_in_, number, descriptors);
      if (found < 0) return Status::kDescriptors;
      with_parcel = found > 0;
      FAULT_POINT(parcel_peeked);
    }
    memcpy(into + used, place + sizeof record + prefix, record.length);
    taken[moved] = {record.tag, record.length, static_cast<uint32_t>(used), 0};
    moved++;
    used = std::min(room, used + (uint64_t{record.length} + kUnit - 1) / kUnit * kUnit);
    next.position = position + units;
    next.items += 1;
    if (prefix != 0) break;
  }
  if (moved == 0) return poison();  // a jump is never the last of what is committed
  *count = moved;
  FAULT_POINT(get_copied);
  if (ledger_ != nullptr) ledger_->begin_take(slot_);
  wake(h.not_full, not_full_fd_);
  FAULT_POINT(get_woken);
  h.head.store(next.pack(), std::memory_order_release);  // pairs with the acquire loads of head by producers
  FAULT_POINT(get_committed);
  if (with_parcel) {
    drop_parcel(parcels_in_);
    FAULT_POINT(parcel_dropped);
  }
  if (ledger_ != nullptr) {
    ledger_->end_take(moved);
    FAULT_POINT(get_accounted);
  }
  reclaim(next.position);
  FAULT_POINT(get_reclaimed);
  if (next == tail && holds() && may_release()) release_held(next);
  return Status::kOk;
}

Status Ring::try_get(uint8_t* into, size_t room, uint32_t max, Taken* taken, uint32_t* count,
                     const Deadline& lock_deadline, std::vector<int>* descriptors) {
  RingHeader& h = header();
  *count = 0;
  if (poisoned()) [[unlikely]] return Status::kCorrupt;
  // Only when nothing is left of what was seen before: producers write tail's cache line all the time.
  const Cursor head = Cursor::unpack(h.head.load(std::memory_order_acquire));
  if (static_cast<int32_t>(seen_items_.load(std::memory_order_relaxed) - head.items) <= 0) {
    const bool shut = is_shut();  // before tail, which no longer moves then
    const Cursor tail = Cursor::unpack(h.tail.load(std::memory_order_acquire));
    if (tail == head) return shut ? Status::kShut : Status::kEmpty;
    seen_items_.store(tail.items, std::memory_order_relaxed);
  }
  if (ledger_ != nullptr) {
    if (const Status status = enrol(lock_deadline); status != Status::kOk) return status;
  }
  if (const Status status = lock(h.consumers.lock, lock_deadline); status != Status::kOk) return status;
  FAULT_POINT(get_locked);
  const Status status = take(into, room, max, taken, count, descriptors);
  h.consumers.lock.unlock();
  FAULT_POINT(get_unlocked);
  // Others were faster; or what was seen is so old that the count has come round.
  if (status == Status::kEmpty) seen_items_.store(head.items, std::memory_order_relaxed);
  return status;
}

Status Ring::get(uint8_t* into, size_t room, uint32_t max, Taken* taken, uint32_t* count, const Deadline& deadline,
                 std::vector<int>* descriptors) {
  for (;;) {
    const Status status = try_get(into, room, max, taken, count, deadline, descriptors);
    if (status != Status::kEmpty) return status;
    RingHeader& h = header();
    if (!sleep(h.not_empty, h.producers.lock, consumer_spin_, deadline, [&] { return items() != 0 || is_shut(); })) {
      return try_get(into, room, max, taken, count, Deadline::in_ms(0), descriptors);
    }
  }
}

Status Ring::arm_not_empty(const Deadline& lock_deadline) {
  RingHeader& h = header();
  if (const Status status = lock_to_arm(h.producers.lock, lock_deadline); status != Status::kOk) return status;
  FAULT_POINT(arm_locked);
  const bool ready = poisoned() || is_shut() || items() != 0;
  FAULT_POINT(arm_checked);
  if (!ready) h.not_empty.armed.store(1, std::memory_order_relaxed);
  FAULT_POINT(arm_flag_set);
  h.producers.lock.unlock();
  FAULT_POINT(arm_unlocked);
  return ready ? Status::kOk : Status::kEmpty;
}

// ---------------------------------------------------------------------------------------------------------------
// The end

Status Ring::shut(bool drop, const Deadline& lock_deadline) {
  RingHeader& h = header();
  if (const Status status = lock(h.producers.lock, lock_deadline); status != Status::kOk) return status;
  FAULT_POINT(shut_half_locked);
  if (const Status status = lock(h.consumers.lock, lock_deadline); status != Status::kOk) {
    h.producers.lock.unlock();
    return status;
  }
  FAULT_POINT(shut_locked);
  wake(h.not_empty, not_empty_fd_);
  wake(h.not_full, not_full_fd_);
  wake(h.joined, joined_fd_);
  FAULT_POINT(shut_woken);
  if (drop) {
    h.shut.store(Shut::kAndEmpty, std::memory_order_release);
  } else if (!is_shut()) {
    h.shut.store(Shut::kForPuts, std::memory_order_release);  // pairs with the acquire load in is_shut
  }
  FAULT_POINT(shut_committed);
  if (drop) drop_all();
  FAULT_POINT(shut_done);
  h.consumers.lock.unlock();
  FAULT_POINT(shut_half_unlocked);
  h.producers.lock.unlock();
  FAULT_POINT(shut_unlocked);
  return Status::kOk;
}

// Under the consumers' lock, in a ring that takes no more records: tail stands still.
void Ring::drop_all() {
  RingHeader& h = header();
  const Cursor head = Cursor::unpack(h.head.load(std::memory_order_relaxed));
  const Cursor tail = Cursor::unpack(h.tail.load(std::memory_order_acquire));
  if (head == tail) return;
  if (ledger_ != nullptr) ledger_->begin_take(0);
  h.consumers.seen_tail = tail.pack();
  h.head.store(tail.pack(), std::memory_order_release);
  FAULT_POINT(shut_dropped);
  if (parcels_in_ >= 0) {
    while (drop_parcel(parcels_in_)) {
    }
  }
  if (ledger_ != nullptr) ledger_->end_take(tail.items - head.items);
  reclaim(tail.position);
}

// ---------------------------------------------------------------------------------------------------------------
// The ledger

uint32_t Ring::unfinished() const {
  return Cursor::unpack(header().tail.load(std::memory_order_acquire)).items - ledger_->done();
}

// Sees to it that this process has a slot. Looks for one without the lock, because that may read /proc.
Status Ring::enrol(const Deadline& lock_deadline) {
  const auto pid = static_cast<uint32_t>(getpid());
  if (slot_pid_ == pid) [[likely]] return Status::kOk;
  RingHeader& h = header();
  const ProcessIdentity self = own_identity();
  for (;;) {
    const uint32_t slot = ledger_->find(self);
    if (slot == 0) return Status::kCrowded;
    bool is_ours = ledger_->belongs_to(slot, self);
    if (!is_ours) {
      if (const Status status = lock(h.consumers.lock, lock_deadline); status != Status::kOk) return status;
      FAULT_POINT(claim_locked);
      wake(h.joined, joined_fd_);
      FAULT_POINT(claim_woken);
      is_ours = ledger_->claim(slot, self);
      h.consumers.lock.unlock();
    }
    if (is_ours) {
      slot_ = slot;
      slot_pid_ = pid;
      return Status::kOk;
    }
  }
}

Status Ring::finish(const Deadline& lock_deadline) {
  if (poisoned()) [[unlikely]] return Status::kCorrupt;
  if (const Status status = enrol(lock_deadline); status != Status::kOk) return status;
  // Who is done with more than it took speaks for somebody who cannot.
  const uint32_t lost = ledger_->balance(slot_) <= 0 ? ledger_->find_lost() : 0;
  const ProcessIdentity dead = ledger_->identity(lost);
  RingHeader& h = header();
  if (const Status status = lock(h.consumers.lock, lock_deadline); status != Status::kOk) return status;
  FAULT_POINT(done_locked);
  const uint32_t left = unfinished();
  if (left != 0) {
    if (left == 1) wake(h.joined, joined_fd_);
    FAULT_POINT(done_woken);
    const bool for_lost = lost != 0 && ledger_->belongs_to(lost, dead) && ledger_->balance(lost) > 0;
    ledger_->finish(for_lost && ledger_->balance(slot_) <= 0 ? lost : slot_);
    FAULT_POINT(done_counted);
  }
  h.consumers.lock.unlock();
  FAULT_POINT(done_unlocked);
  return left == 0 ? Status::kEmpty : Status::kOk;
}

Status Ring::arm_joined(const Deadline& lock_deadline) {
  RingHeader& h = header();
  if (const Status status = lock(h.consumers.lock, lock_deadline); status != Status::kOk) return status;
  const bool is_done = unfinished() == 0;
  if (!is_done) h.joined.armed.store(1, std::memory_order_relaxed);
  h.consumers.lock.unlock();
  if (poisoned()) return Status::kCorrupt;
  return is_done ? Status::kOk : Status::kFull;
}

// ---------------------------------------------------------------------------------------------------------------

uint32_t Ring::items() const {
  const RingHeader& h = header();
  // head first: it never passes tail, so the difference cannot be negative.
  const Cursor head = Cursor::unpack(h.head.load(std::memory_order_acquire));
  const Cursor tail = Cursor::unpack(h.tail.load(std::memory_order_acquire));
  return tail.items - head.items;
}

bool Ring::full() const { return !fits_now(1); }

}  // namespace forkful
