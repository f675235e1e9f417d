#include "core/ledger.h"

#include <algorithm>

#include "core/fault_point.h"

namespace forkful {

uint32_t Ledger::used() const { return std::min(used_.load(std::memory_order_acquire), kSlots - 1); }

ProcessIdentity Ledger::identity(uint32_t slot) const {
  const uint32_t pid = slots_[slot].pid.load(std::memory_order_acquire);
  return {pid, slots_[slot].started.load(std::memory_order_relaxed)};
}

int32_t Ledger::balance(uint32_t slot) const {
  const Slot& s = slots_[slot];
  return static_cast<int32_t>(s.taken.load(std::memory_order_relaxed) - s.done.load(std::memory_order_relaxed));
}

uint32_t Ledger::find(const ProcessIdentity& self) const {
  const uint32_t last = used();
  uint32_t vacant = 0;
  for (uint32_t i = 1; i <= last; i++) {
    if (identity(i) == self) return i;
    if (vacant == 0 && slots_[i].pid.load(std::memory_order_relaxed) == 0) vacant = i;
  }
  if (vacant != 0) return vacant;
  for (uint32_t i = 1; i <= last; i++) {
    if (balance(i) == 0 && has_ended(identity(i))) return i;
  }
  return last + 1 < kSlots ? last + 1 : 0;
}

bool Ledger::claim(uint32_t slot, const ProcessIdentity& self) {
  if (slot > used() + 1) return false;
  // What lies behind the used slots is nobody's, whatever it says: or who asks again would be refused for ever.
  const ProcessIdentity before = slot > used() ? ProcessIdentity{} : identity(slot);
  if (before.pid != 0 && (balance(slot) != 0 || !has_ended(before))) return false;
  Slot& s = slots_[slot];
  s.pid.store(0, std::memory_order_relaxed);
  FAULT_POINT(claim_vacated);
  s.started.store(self.started, std::memory_order_release);
  if (slot > used()) used_.store(slot, std::memory_order_release);
  FAULT_POINT(claim_prepared);
  s.pid.store(self.pid, std::memory_order_release);  // pairs with the acquire load in identity
  FAULT_POINT(claim_made);
  return true;
}

void Ledger::end_take(uint32_t count) {
  std::atomic<uint32_t>& taken = slots_[std::min(taker_.load(std::memory_order_relaxed), kSlots - 1)].taken;
  // Release: not before the commit of head, or a death in between would count what was never taken.
  taken.store(taken.load(std::memory_order_relaxed) + count, std::memory_order_release);
}

void Ledger::repair(uint32_t head_items) {
  uint32_t sum = slots_[0].taken.load(std::memory_order_relaxed);
  const uint32_t last = used();
  for (uint32_t i = 1; i <= last; i++) sum += slots_[i].taken.load(std::memory_order_relaxed);
  if (head_items != sum) end_take(head_items - sum);
}

uint32_t Ledger::find_lost() const {
  const uint32_t last = used();
  for (uint32_t i = 1; i <= last; i++) {
    if (balance(i) > 0 && has_ended(identity(i))) return i;
  }
  return 0;
}

void Ledger::finish(uint32_t slot) {
  std::atomic<uint32_t>& done = slots_[slot].done;
  done.store(done.load(std::memory_order_relaxed) + 1, std::memory_order_release);
}

uint32_t Ledger::done() const {
  uint32_t sum = slots_[0].taken.load(std::memory_order_relaxed);
  const uint32_t last = used();
  for (uint32_t i = 1; i <= last; i++) sum += slots_[i].done.load(std::memory_order_relaxed);
  return sum;
}

uint32_t Ledger::read(Account* into, uint32_t room) const {
  const uint32_t last = used();
  uint32_t count = 0;
  for (uint32_t i = 1; i <= last && count < room; i++) {
    const ProcessIdentity process = identity(i);
    if (process.pid != 0) into[count++] = {process, balance(i)};
  }
  return count;
}

}  // namespace forkful
