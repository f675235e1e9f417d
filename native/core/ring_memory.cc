// Which memory of a ring is real: how it becomes so, and how it is given back.
#include <algorithm>
#include <atomic>

#include "core/fault_point.h"
#include "core/memory_budget.h"
#include "core/ring.h"

namespace forkful {
namespace {

// Not given back before the ring is empty: to make memory real and give it back costs more than to copy it.
constexpr uint64_t kHeldBytes = uint64_t{32} << 20;
constexpr int64_t kReleasePauseNs = 100'000'000;
// Growth allowed by one look at the memory: less when little is left, because others look at the same time.
constexpr uint64_t kMostGranted = uint64_t{8} << 20;
constexpr uint64_t kLeastGranted = uint64_t{256} << 10;
constexpr uint64_t kGrantShare = 16;

// How much more may become real: at least `bytes`, and some on stock; 0: they may not.
uint64_t granted_growth(uint64_t bytes, uint64_t spare) {
  const uint64_t granted = std::max(bytes, std::clamp(spare / kGrantShare, kLeastGranted, kMostGranted));
  return granted > spare ? 0 : granted;
}

uint32_t next_page(uint32_t position) {
  const auto units = static_cast<uint32_t>(page_size() / kUnit);
  return (position + units - 1) / units * units;
}

}  // namespace

void Ring::set_data_bytes(uint64_t bytes) {
  data_bytes_ = bytes;
  most_held_ = std::max(std::min(kKeptBytes, bytes), std::min(kHeldBytes, bytes / 2));
}

// Memory up to `end` may become real: what is held, as long as there is much more, or what is given back when it is drained.
bool Ring::grow(uint32_t position, uint64_t bytes, uint64_t end, const Jumps& jumps) {
  const uint64_t offset = offset_of(position);
  bool may = true;
  if (offset < held_limit()) {
    const uint64_t spare = spare_memory();
    if (end > kKeptBytes && !is_tight() && spare / kGrantShare < most_held_) stop_holding();
    const uint64_t limit = held_limit();
    may = offset >= limit || hold(std::min(end, limit), spare);
  }
  may = may && (end <= held_limit() || may_grow_behind(position, bytes, jumps));
  if (!may) stop_holding();
  return may;
}

// Memory is short: what is drained is given back at once, until the ring is empty. What is reserved in a file no longer
// counts then, because consumers give it back without the producers' lock.
void Ring::stop_holding() {
  RingHeader& h = header();
  h.producers.touched = std::min(h.producers.touched, kKeptBytes);
  h.held.store(std::min(h.held.load(std::memory_order_relaxed), kKeptBytes), std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  h.tight.store(1, std::memory_order_release);  // pairs with the acquire load in is_tight
}

uint64_t Ring::held_limit() const { return is_tight() ? std::min(kKeptBytes, most_held_) : most_held_; }

bool Ring::holds() const { return header().held.load(std::memory_order_relaxed) > kKeptBytes || is_tight(); }

// What is held may become real up to `end`.
bool Ring::hold(uint64_t end, uint64_t spare) {
  RingHeader& h = header();
  const uint64_t held = h.held.load(std::memory_order_relaxed);
  if (end <= held) return true;
  const uint64_t granted = granted_growth(end - held, spare);
  if (granted == 0) return false;
  uint64_t next = std::min(held + granted, most_held_);
  if (file_fd_ >= 0 && make_real(file_fd_, file_offset_ + held, next - held) != 0) {
    next = end;
    if (make_real(file_fd_, file_offset_ + held, next - held) != 0) return false;
  }
  h.held.store(next, std::memory_order_relaxed);
  return true;
}

// The same behind what is held, where memory is given back once it is drained.
bool Ring::may_grow_behind(uint32_t position, uint64_t bytes, const Jumps& jumps) {
  auto& p = header().producers;
  if (position + static_cast<uint32_t>(bytes / kUnit) - p.granted_from <= p.granted_units) return true;
  uint64_t granted = granted_growth(bytes, spare_memory());
  if (granted == 0) return false;
  if (file_fd_ >= 0) {
    // What is drained and not given back yet still will be: reserved for the next round it would be gone before that.
    granted = std::max(bytes, std::min(granted, room(position, p.seen_reclaimed, jumps)));
    if (!reserve(position, granted)) {
      granted = bytes;
      if (!reserve(position, granted)) return false;
    }
  }
  // Who dies between these stores must not leave the old length at the new place, where less may have been reserved.
  p.granted_units = 0;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  p.granted_from = position;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  p.granted_units = static_cast<uint32_t>(granted / kUnit);
  return true;
}

// Makes the file's pages real. What is reserved and not used goes back when the ring restarts, or passes it.
bool Ring::reserve(uint32_t position, uint64_t bytes) {
  uint64_t offset = offset_of(position);
  while (bytes > 0) {
    const uint64_t piece = std::min(bytes, data_bytes_ - offset);
    if (make_real(file_fd_, file_offset_ + offset, piece) != 0) return false;
    bytes -= piece;
    offset = 0;
  }
  return true;
}

// Memory that may be written for the first time becomes real at once.
void Ring::make_touched(uint32_t position, uint64_t bytes) {
  auto& p = header().producers;
  const uint64_t end = offset_of(position) + bytes;
  if (end <= p.touched) return;
  populate(at(position), bytes);
  p.touched = std::min(end, most_held_);
}

// Gives drained memory back, in whole chunks. After the commit, because a consumer that dies before it must find the
// records again; before `reclaimed` moves, because behind it producers write. Who dies between is repeated:
// by the next take, or by recovery.
void Ring::reclaim(uint32_t head) {
  RingHeader& h = header();
  const uint32_t boundary = reclaim_boundary(head);
  uint32_t from = h.reclaimed.load(std::memory_order_relaxed);
  if (boundary - from - 1 >= UINT32_MAX / 2) [[likely]] return;  // boundary <= from, modulo wrap
  FAULT_POINT(reclaim_begun);
  const Jumps now = jumps();
  for (const Jump& jump : {now.back, now.out}) {
    if (!jump.within(from, head)) continue;
    discard_span(from, next_page(jump.at));  // nothing will come to lie behind it in the same page
    from = jump.end();
  }
  discard_span(from, boundary);
  FAULT_POINT(reclaim_discarded);
  h.reclaimed.store(boundary, std::memory_order_release);  // pairs with the acquire loads of reclaimed
  FAULT_POINT(reclaim_moved);
}

// What is held is not given back here: every drained unit of it is free at once.
uint32_t Ring::reclaim_boundary(uint32_t head) const {
  return offset_of(head) <= held_limit() ? head : head & ~static_cast<uint32_t>(kChunkBytes / kUnit - 1);
}

void Ring::discard_span(uint32_t from, uint32_t to) {
  const uint64_t floor = held_limit();
  uint64_t left = uint64_t{to - from} * kUnit;
  uint64_t offset = offset_of(from);
  while (left > 0) {
    const uint64_t piece = std::min(left, data_bytes_ - offset);
    if (offset + piece > floor) {
      const uint64_t begin = std::max(offset, floor);
      discard(mapping_.data() + begin, offset + piece - begin);
    }
    left -= piece;
    offset = 0;
  }
}

// A consumer that keeps up finds the ring empty all the time: giving memory back and making it real again would cost more than
// to copy the messages.
bool Ring::may_release() const {
  return is_tight() || monotonic_ns() - header().consumers.released_ns > kReleasePauseNs;
}

// Gives back what was held while there was something in the ring. Free memory is the producers', so it takes their lock;
// if that is taken, by one who puts, the next to find the ring empty does it.
void Ring::release_held(Cursor head) {
  RingHeader& h = header();
  RobustMutex& mutex = h.producers.lock;
  const RobustMutex::Outcome outcome = mutex.lock(Deadline::in_ms(0));
  if (outcome == RobustMutex::Outcome::kOwnerDied) recover();
  else if (outcome != RobustMutex::Outcome::kLocked) return;
  FAULT_POINT(release_locked);
  if (Cursor::unpack(h.tail.load(std::memory_order_acquire)) == head) {
    h.held.store(kKeptBytes, std::memory_order_relaxed);
    h.producers.touched = std::min(h.producers.touched, kKeptBytes);
    h.producers.granted_units = 0;
    // Who dies between must not leave word of memory that is gone: a file might have no other.
    std::atomic_signal_fence(std::memory_order_seq_cst);
    FAULT_POINT(release_begun);
    if (most_held_ > kKeptBytes) discard(mapping_.data() + kKeptBytes, most_held_ - kKeptBytes);
    h.tight.store(0, std::memory_order_relaxed);
    h.consumers.released_ns = monotonic_ns();
    FAULT_POINT(release_done);
  }
  mutex.unlock();
}

}  // namespace forkful
