#pragma once
#include <napi.h>
#include <signal.h>
#include <unistd.h>

#include <cstdint>

#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "addon/ring_table.h"
#include "core/ring.h"

namespace forkful {

// Blocks and mappings that were closed lately. What the kernel, or another thread, was doing with their bytes then
// (fs.read, zlib) may go on: the addresses must not lead nowhere, or to something else, too soon. There is no memory
// behind them.
class LateBlocks {
 public:
  void add(std::shared_ptr<void> block, uint64_t bytes) {
    bytes_ += bytes;
    blocks_.push_back({std::move(block), bytes});
    while (blocks_.size() > kMost || bytes_ > kMostBytes) {
      bytes_ -= blocks_.front().second;
      blocks_.pop_front();
    }
  }

 private:
  static constexpr size_t kMost = 256;
  static constexpr uint64_t kMostBytes = uint64_t{64} << 30;

  std::deque<std::pair<std::shared_ptr<void>, uint64_t>> blocks_;
  uint64_t bytes_ = 0;
};

// The descriptors of the last record, until JavaScript takes them.
class Arrived {
 public:
  ~Arrived() { empty_again(); }
  std::vector<int>* empty_again() {
    for (const int fd : descriptors_) close(fd);
    descriptors_.clear();
    return &descriptors_;
  }
  std::vector<int> take() { return std::exchange(descriptors_, {}); }

 private:
  std::vector<int> descriptors_;
};

class ForkLoop;
class Forkserver;
class ReactorObject;

// Where native calls leave more than one number: an Int32Array that JavaScript gave once per environment. Layout in
// lib/backend/native/addon.ts.
struct AddonData {
  static constexpr uint32_t kMostRecords = 64;
  static constexpr uint32_t kMostEvents = 64;

  uint32_t* scratch = nullptr;
  Napi::Reference<Napi::Uint32Array> scratch_owner;
  // Where messages land. JavaScript owns it, and looks before each call whether it still has its memory.
  uint8_t* slab = nullptr;
  size_t slab_bytes = 0;
  Napi::Reference<Napi::Uint8Array> slab_owner;
  std::shared_ptr<RingTable> rings = std::make_shared<RingTable>();  // rings may outlive this at the very end
  int64_t spin_ns = SpinBudget::kMostNs;  // for rings opened from now on
  Ring::Taken taken[kMostRecords];
  Arrived arrived;
  LateBlocks late_blocks;
  std::vector<ReactorObject*> reactors;  // those that are open
  ForkLoop* fork_loop = nullptr;
  std::shared_ptr<Forkserver> forkserver;  // of a forkserver process
  struct sigaction interrupt {};  // in a forked child: the disposition of SIGINT that it is to have

  static AddonData* of(napi_env env) {
    void* data = nullptr;
    napi_get_instance_data(env, &data);
    return static_cast<AddonData*>(data);
  }
};

}  // namespace forkful
