// Moving bytes: the floor of every big message.
#include <cstring>
#include <vector>

#include "bench.h"
#include "core/futex.h"

namespace {

constexpr size_t kBytes = 1 << 20;

double one_process() {
  std::vector<char> from(kBytes, 1);
  std::vector<char> to(kBytes, 2);
  pin_first();
  const double ns = ns_each(8, [&] { memcpy(to.data(), from.data(), kBytes); });
  return kBytes / ns * 1e3;
}

// One process copies in while the other copies out, through two buffers in turn.
double two_processes() {
  struct Shared {
    alignas(64) std::atomic<uint64_t> written;
    alignas(64) std::atomic<uint64_t> read;
    alignas(64) char buffers[2][kBytes];
  };
  auto* shared = static_cast<Shared*>(shared_memory(sizeof(Shared)));
  std::vector<char> ours(kBytes, 1);
  const auto produce = [&] {
    const uint64_t n = shared->written.load(std::memory_order_relaxed);
    while (n - shared->read.load(std::memory_order_acquire) == 2) forkful::cpu_relax();
    memcpy(shared->buffers[n % 2], ours.data(), kBytes);
    shared->written.store(n + 1, std::memory_order_release);
  };
  const auto take = [&]() -> uint64_t {
    const uint64_t n = shared->read.load(std::memory_order_relaxed);
    while (shared->written.load(std::memory_order_acquire) == n) forkful::cpu_relax();
    memcpy(ours.data(), shared->buffers[n % 2], kBytes);
    shared->read.store(n + 1, std::memory_order_release);
    return 1;
  };
  return taken_per_second(take, produce) * kBytes / 1e6;
}

}  // namespace

const Limit copy_limits[2] = {
    {"memcpy-1MiB", "MB/s", one_process},
    {"two-process-copy-1MiB", "MB/s", two_processes},
};
