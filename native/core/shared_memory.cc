#include "core/shared_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace forkful {

size_t page_size() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }

uint64_t whole_pages(uint64_t bytes) {
  const uint64_t page = page_size();
  return (bytes + page - 1) / page * page;
}

int create_shared_memory(const char* label, uint64_t bytes) {
  const int fd = memfd_create(label, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return -errno;
  // Sealed against resizing: nobody can make an access behind the end a SIGBUS.
  if (ftruncate(fd, static_cast<off_t>(bytes)) != 0 ||
      fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    const int error = errno;
    close(fd);
    return -error;
  }
  return fd;
}

void discard(uint8_t* address, uint64_t bytes) {
  const uint64_t page = page_size();
  const auto begin = whole_pages(reinterpret_cast<uintptr_t>(address));
  const auto end = (reinterpret_cast<uintptr_t>(address) + bytes) / page * page;
  // A failure costs memory, never correctness.
  if (end > begin) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_REMOVE);
}

void detach_pages(uint8_t* address, uint64_t bytes) {
  // If it fails the memory stays until the mapping goes.
  mmap(address, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
}

void populate(uint8_t* address, uint64_t bytes) {
#ifdef MADV_POPULATE_WRITE
  const uint64_t page = page_size();
  const auto begin = reinterpret_cast<uintptr_t>(address) / page * page;
  const auto end = whole_pages(reinterpret_cast<uintptr_t>(address) + bytes);
  // A failure costs time, never correctness.
  madvise(reinterpret_cast<void*>(begin), end - begin, MADV_POPULATE_WRITE);
#endif
}

int make_real(int fd, uint64_t offset, uint64_t bytes) {
  // A signal ends fallocate, which then undoes what it did: small steps make progress all the same.
  constexpr uint64_t kStepBytes = uint64_t{1} << 20;
  for (uint64_t done = 0; done < bytes;) {
    const uint64_t step = std::min(kStepBytes, bytes - done);
    if (fallocate(fd, 0, static_cast<off_t>(offset + done), static_cast<off_t>(step)) == 0) {
      done += step;
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

MirroredMapping::MirroredMapping(MirroredMapping&& other) noexcept { *this = std::move(other); }

MirroredMapping& MirroredMapping::operator=(MirroredMapping&& other) noexcept {
  if (this != &other) {
    reset();
    base_ = std::exchange(other.base_, nullptr);
    header_bytes_ = std::exchange(other.header_bytes_, 0);
    mapped_bytes_ = std::exchange(other.mapped_bytes_, 0);
  }
  return *this;
}

int MirroredMapping::map(int fd, uint64_t offset, size_t header_bytes, uint64_t data_bytes) {
  reset();
  const uint64_t total = header_bytes + 2 * data_bytes;
  // Reserve the address range first: the two views must be neighbours, whatever else is mapped.
  void* reserved = mmap(nullptr, total, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserved == MAP_FAILED) return errno;
  auto* base = static_cast<uint8_t*>(reserved);
  const int protection = PROT_READ | PROT_WRITE;
  const int flags = MAP_SHARED | MAP_FIXED | MAP_NORESERVE;
  if (mmap(base, header_bytes + data_bytes, protection, flags, fd, static_cast<off_t>(offset)) == MAP_FAILED ||
      mmap(base + header_bytes + data_bytes, data_bytes, protection, flags, fd,
           static_cast<off_t>(offset + header_bytes)) == MAP_FAILED) {
    const int error = errno;
    munmap(base, total);
    return error;
  }
  base_ = base;
  header_bytes_ = header_bytes;
  mapped_bytes_ = total;
  return 0;
}

void MirroredMapping::reset() {
  if (base_ != nullptr) munmap(base_, mapped_bytes_);
  base_ = nullptr;
  header_bytes_ = 0;
  mapped_bytes_ = 0;
}

}  // namespace forkful
