#pragma once
#include <atomic>
#include <cstdint>

#include "core/process_identity.h"

namespace forkful {

// How many records of a ring each process has taken, and with how many it is done. Lies in shared memory behind the
// ring's header; everything is written under the consumers' lock.
//
// Invariants, between any two instructions of anybody, the lock being free:
//  1. The sum of `taken` over all slots is the item count of the ring's head. Within the lock it may be behind by what
//     the holder has just committed; `taker` says whose that is, so whoever finds the holder dead sets it right.
//  2. A vacant slot (pid 0) is balanced: taken == done, modulo 2^32. Whoever takes a slot over inherits the counts.
// Each change is one store, so whoever dies has made it or not.
class Ledger {
 public:
  static constexpr uint32_t kSlots = 1024;  // slot 0 stands for records that were dropped: taken by nobody, and done

  struct Account {
    ProcessIdentity process;
    int32_t balance;  // taken and not done; negative: done with what others have taken
  };

  void initialise(uint32_t first_count) { slots_[0].taken.store(first_count, std::memory_order_relaxed); }

  // Without the lock: the slot of this process, or one that it may try to claim; 0: there is none.
  uint32_t find(const ProcessIdentity& self) const;
  // False if somebody else was faster.
  bool claim(uint32_t slot, const ProcessIdentity& self);
  ProcessIdentity identity(uint32_t slot) const;
  bool belongs_to(uint32_t slot, const ProcessIdentity& self) const { return identity(slot) == self; }

  // Around the commit of the ring's head.
  void begin_take(uint32_t slot) { taker_.store(slot, std::memory_order_relaxed); }
  void end_take(uint32_t count);
  // The lock's last holder has died.
  void repair(uint32_t head_items);

  // A slot whose process has ended without being done with what it took; 0: none. Without the lock.
  uint32_t find_lost() const;
  int32_t balance(uint32_t slot) const;
  void finish(uint32_t slot);
  uint32_t done() const;

  // The accounts of all slots that belong to somebody; at most `room`.
  uint32_t read(Account* into, uint32_t room) const;

 private:
  struct Slot {
    std::atomic<uint32_t> pid;  // 0: vacant. Written last
    std::atomic<uint32_t> taken;
    std::atomic<uint64_t> started;
    std::atomic<uint32_t> done;
    uint32_t unused;
  };

  // What is read from memory that others may overwrite is not believed.
  uint32_t used() const;

  std::atomic<uint32_t> taker_;
  std::atomic<uint32_t> used_;  // slots behind these have never belonged to anybody; slot 0 not counted
  Slot slots_[kSlots];
};

}  // namespace forkful
