#pragma once
#include <cstdint>
#include <vector>

namespace forkful {

class Ring;

// The rings of an environment by number: an argument that costs a fifth of what unwrapping `this` does. A number is
// valid until its ring is closed, and may then be another one's; who closes forgets it.
class RingTable {
 public:
  uint32_t add(Ring* ring) {
    if (free_.empty()) {
      rings_.push_back(ring);
      return static_cast<uint32_t>(rings_.size() - 1);
    }
    const uint32_t number = free_.back();
    free_.pop_back();
    rings_[number] = ring;
    return number;
  }

  void remove(uint32_t number) {
    rings_[number] = nullptr;
    free_.push_back(number);
  }

  // nullptr: there is none.
  Ring* at(uint32_t number) const { return number < rings_.size() ? rings_[number] : nullptr; }

 private:
  std::vector<Ring*> rings_;
  std::vector<uint32_t> free_;
};

}  // namespace forkful
