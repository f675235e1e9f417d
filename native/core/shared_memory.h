#pragma once
#include <sys/types.h>

#include <cstddef>
#include <cstdint>

namespace forkful {

size_t page_size();
uint64_t whole_pages(uint64_t bytes);

// More than any machine has, and less than overflows.
constexpr uint64_t kMostSharedBytes = uint64_t{1} << 53;

// A nameless, sealed shared-memory file of `bytes` virtual bytes, none of them real yet. Close-on-exec.
// Returns the descriptor, or -errno.
int create_shared_memory(const char* label, uint64_t bytes);

// Gives the pages that lie wholly inside [address, address + bytes) of a shared mapping back to the system; they read
// as zeros afterwards, in every process.
void discard(uint8_t* address, uint64_t bytes);

// Puts private zeros in the place of a mapping, whole pages: the addresses stay valid, the memory is let go of.
void detach_pages(uint8_t* address, uint64_t bytes);

// Makes the pages of a range real at once, rather than by a fault for each when they are written.
void populate(uint8_t* address, uint64_t bytes);

// Reserves room for [offset, offset + bytes) of a file in shared memory, until it is discarded. 0 or an errno; ENOSPC: the
// file system is full. It calls the OOM killer rather than fail for lack of memory: look at that first.
int make_real(int fd, uint64_t offset, uint64_t bytes);

// A header followed by a data area that is mapped twice back to back, so that whatever starts inside the area is
// contiguous. Move-only owner of the mapping.
class MirroredMapping {
 public:
  MirroredMapping() = default;
  MirroredMapping(MirroredMapping&& other) noexcept;
  MirroredMapping& operator=(MirroredMapping&& other) noexcept;
  MirroredMapping(const MirroredMapping&) = delete;
  MirroredMapping& operator=(const MirroredMapping&) = delete;
  ~MirroredMapping() { reset(); }

  // Both sizes and the offset are multiples of the page size. Returns 0 or an errno.
  int map(int fd, uint64_t offset, size_t header_bytes, uint64_t data_bytes);
  void reset();

  uint8_t* header() const { return base_; }
  uint8_t* data() const { return base_ + header_bytes_; }
  explicit operator bool() const { return base_ != nullptr; }

 private:
  uint8_t* base_ = nullptr;
  size_t header_bytes_ = 0;
  uint64_t mapped_bytes_ = 0;
};

}  // namespace forkful
