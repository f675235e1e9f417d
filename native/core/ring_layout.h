#pragma once
#include <atomic>
#include <cstdint>

#include "core/ledger.h"
#include "core/robust_mutex.h"

namespace forkful {

// The shared half of a ring. Everything here may be seen, and by a hostile peer be set, to anything: readers check.

constexpr uint64_t kRingMagic = 0x31676e69726b6f66;  // "fokring1"
constexpr uint32_t kRingVersion = 5;
constexpr uint32_t kUnit = 8;  // positions and record sizes count in units of 8 bytes

// What one side has done so far: records and units, both wrapping. It fits one 64-bit word, so a single store commits
// both, and counts are exact.
struct Cursor {
  uint32_t items;
  uint32_t position;

  static Cursor unpack(uint64_t word) {
    return {static_cast<uint32_t>(word >> 32), static_cast<uint32_t>(word)};
  }
  uint64_t pack() const { return (uint64_t{items} << 32) | position; }
  bool operator==(const Cursor&) const = default;
};

// A jump in the position count: the units in [at, at + units) stand for no memory. units == 0: none.
struct Jump {
  uint32_t at;
  uint32_t units;

  static Jump unpack(uint64_t word) {
    return {static_cast<uint32_t>(word >> 32), static_cast<uint32_t>(word)};
  }
  uint64_t pack() const { return (uint64_t{at} << 32) | units; }
  uint32_t end() const { return at + units; }
  // Whether what lies between `from` and `to` contains it.
  bool within(uint32_t from, uint32_t to) const { return units != 0 && at - from < to - from; }
};

// So that a queue stays within memory that is real and in the cache, a producer may jump back to offset 0 when what lies
// in memory is one piece [reclaimed, tail) that leaves room before it. What comes then must end before that piece, and so
// before `reclaimed`; if it cannot, a second jump leads out, behind the piece, and there the end of the memory is the
// limit. There is one jump of each kind at most, and the one back comes first.
//
// A jump is announced before the commit that makes it part of the sequence. It is over when `reclaimed` has passed it, and
// void if nobody has committed it; the next producer forgets both, because positions wrap.
struct Jumps {
  Jump back;
  Jump out;

  // The units to leave out of the distance from `from` to `to`.
  uint32_t within(uint32_t from, uint32_t to) const {
    return (back.within(from, to) ? back.units : 0) + (out.within(from, to) ? out.units : 0);
  }
};

// Who waits for one condition. `sleeping` belongs to futex sleepers, `armed` to event loops. Both are set under the
// lock of the side that can make the condition true, and cleared by that side, under that lock, before its commit.
struct alignas(64) WaitState {
  std::atomic<uint32_t> sequence;
  std::atomic<uint32_t> sleeping;
  std::atomic<uint32_t> armed;
};

// Whether the ring takes records.
enum class Shut : uint32_t {
  kOpen = 0,
  kForPuts = 1,   // what lies between head and tail can be taken
  kAndEmpty = 2,  // it is dropped: by who shut the ring, or by whoever finds that one dead
};

struct RecordHeader {
  uint32_t length;  // bytes that follow
  uint32_t tag;     // the codec's, and kWithParcel
};
// Descriptors go with the record: it begins with the parcel's number, 8 bytes.
constexpr uint32_t kWithParcel = 0x80000000;
using ParcelNumber = uint64_t;
static_assert(sizeof(RecordHeader) == kUnit);

struct RingHeader {
  // Written once by the creator, before anybody else knows the ring.
  uint64_t magic;
  uint32_t version;
  uint32_t header_bytes;
  uint64_t data_bytes;
  uint64_t max_bytes;
  uint32_t max_items;
  std::atomic<uint32_t> corrupt;
  std::atomic<Shut> shut;  // stored with both locks held
  uint32_t has_ledger;     // whether a Ledger lies behind this header
  uint32_t abi;            // kAbi of who made it
  uint32_t in_file;        // whether the memory is a file's: its pages must be reserved before they are touched
  uint64_t bell;           // written, never read: who watches the file hears of it

  struct alignas(64) {
    RobustMutex lock;
    uint64_t seen_head;      // a lower bound of head
    uint32_t seen_reclaimed;  // a lower bound of reclaimed
    uint32_t restart_checked;  // position at which the ring was last looked at for being empty
    uint32_t granted_from;     // [granted_from, granted_from + granted_units): growth that the memory allowed
    uint32_t granted_units;
    uint64_t touched;          // memory before this offset has been written to, or made real, and not been given back
    ParcelNumber parcels;      // numbered so far
  } producers;
  alignas(64) std::atomic<uint64_t> tail;  // stored by producers only, one store per commit
  struct alignas(64) {
    RobustMutex lock;
    uint64_t seen_tail;  // a lower bound of tail
    int64_t released_ns;  // when what was held was last given back, on CLOCK_MONOTONIC
  } consumers;
  alignas(64) std::atomic<uint64_t> head;  // stored by consumers only, one store per commit
  std::atomic<uint32_t> reclaimed;         // drained pages before this position are back with the system
  alignas(64) std::atomic<uint64_t> jump_back;  // stored by producers only, as the next
  std::atomic<uint64_t> jump_out;
  std::atomic<uint64_t> held;   // memory before this offset may be real; stored under the producers' lock, as the next
  std::atomic<uint32_t> tight;  // memory is short: no more is held than what is always kept
  WaitState not_empty;
  WaitState not_full;
  WaitState joined;  // registers and is woken under the consumers' lock
  alignas(64) std::atomic<uint64_t> recoveries;
};
static_assert(sizeof(RingHeader) <= 4096);
static_assert(sizeof(RingHeader) % alignof(Ledger) == 0);

}  // namespace forkful
