#include "core/mapping.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "core/memory_budget.h"
#include "core/shared_memory.h"

namespace forkful {

int create_mapping(uint64_t bytes) {
  if (bytes == 0 || bytes > kMostSharedBytes) return -ENOMEM;
  return create_shared_memory("forkful-mapping", bytes);
}

Mapping::~Mapping() {
  if (base_ != nullptr) munmap(base_, bytes_);
  if (fd_ >= 0) close(fd_);
}

int Mapping::attach(int fd) {
  fd_ = fd;
  struct stat file;
  if (fstat(fd, &file) != 0) return -errno;
  const int seals = fcntl(fd, F_GET_SEALS);
  if (!S_ISREG(file.st_mode) || file.st_size <= 0 || seals < 0 || (seals & F_SEAL_SHRINK) == 0) return -EPROTO;
  const auto bytes = static_cast<uint64_t>(file.st_size);
  void* mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) return -errno;
  base_ = static_cast<uint8_t*>(mapped);
  bytes_ = bytes;
  return 0;
}

void Mapping::retire() {
  if (base_ == nullptr) return;
  detach_pages(base_, bytes_);
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

int Mapping::reserve() {
  struct stat file;
  if (fstat(fd_, &file) != 0) return errno;
  const uint64_t real = static_cast<uint64_t>(file.st_blocks) * 512;
  // Asked first: the kernel does not refuse memory that is not there, it ends processes.
  if (real < bytes_ && !memory_allows(bytes_ - real)) return ENOMEM;
  if (const int error = make_real(fd_, 0, bytes_)) return error;
  populate(base_, bytes_);
  return 0;
}

int Mapping::advise(uint64_t offset, uint64_t length, int advice) {
  if (offset > bytes_ || length > bytes_ - offset) return EINVAL;
  const uint64_t page = page_size();
  const uint64_t begin = whole_pages(offset);
  // The last page of the mapping is its own to the end, whether the size is a multiple of pages or not.
  const uint64_t end = offset + length == bytes_ ? whole_pages(bytes_) : (offset + length) / page * page;
  if (end <= begin) return 0;
  return madvise(base_ + begin, end - begin, advice) == 0 ? 0 : errno;
}

}  // namespace forkful
