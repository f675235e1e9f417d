#pragma once
#include <cstddef>
#include <cstdint>

namespace forkful {

// Shared memory without any header of ours: pages, zero at first, that become real when they are touched, or by
// `reserve`. The file is sealed against resizing, and is looked at before it is mapped: so no access inside the mapping
// can be a SIGBUS.

// A nameless file of `bytes` virtual bytes; the descriptor or -errno.
int create_mapping(uint64_t bytes);

// A mapped file, and its descriptor. Used by one thread.
class Mapping {
 public:
  Mapping() = default;
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping();

  // Takes over the descriptor, also if it fails. Returns 0 or -errno: -EPROTO if that is no file of ours.
  int attach(int fd);
  // Gives the memory back at once, while views may still exist and the kernel or other threads may be writing through
  // them: the addresses stay valid and lead to private zeros.
  void retire();

  // Takes the memory for all pages, and maps them into this process. 0 or an errno; ENOMEM without the memory for it.
  int reserve();
  // madvise for the pages that lie wholly inside the range, of which there may be none. 0 or an errno.
  int advise(uint64_t offset, uint64_t length, int advice);

  uint8_t* data() const { return base_; }
  uint64_t bytes() const { return bytes_; }
  int descriptor() const { return fd_; }

 private:
  uint8_t* base_ = nullptr;
  uint64_t bytes_ = 0;
  int fd_ = -1;
};

}  // namespace forkful
