#include "core/shared_block.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <new>
#include <string>

#include "core/memory_budget.h"
#include "core/shared_memory.h"

namespace forkful {
namespace {

// What a block of so many bytes occupies.
uint64_t file_bytes(uint64_t bytes) { return whole_pages(kBlockDataOffset + bytes); }

int write_header(int fd, uint64_t bytes, uint32_t kind) {
  const size_t header_bytes = whole_pages(sizeof(BlockHeader));
  void* mapped = mmap(nullptr, header_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) return -errno;
  auto* header = new (mapped) BlockHeader{};
  int error = 0;
  if (getrandom(&header->id, sizeof header->id, 0) != sizeof header->id) error = -errno;
  header->id |= 1;  // 0 means none
  header->version = kBlockVersion;
  header->kind = kind;
  header->abi = kAbi;
  header->data_bytes = bytes;
  if (!header->lock.initialise(RobustMutex::Relock::kNests)) error = -ENOSYS;
  if (error == 0) header->magic = kBlockMagic;
  munmap(mapped, header_bytes);
  return error;
}

struct Description {
  uint64_t magic;
  uint32_t version, kind;
  uint64_t data_bytes, id;
  uint32_t abi;
};
static_assert(sizeof(Description) <= 64);  // as the header begins

// Read apart from the mapping: sizes must not be believed before they are checked, nor change afterwards.
bool describe(int fd, Description* out) {
  struct stat file;
  if (fstat(fd, &file) != 0 || !S_ISREG(file.st_mode)) return false;
  if (pread(fd, out, sizeof *out, 0) != static_cast<ssize_t>(sizeof *out)) return false;
  return out->magic == kBlockMagic && out->version == kBlockVersion && out->abi == kAbi &&
         out->data_bytes <= kMostSharedBytes && file_bytes(out->data_bytes) <= static_cast<uint64_t>(file.st_size);
}

}  // namespace

int initialise_block(int fd, uint64_t bytes, uint32_t kind) {
  if (bytes > kMostSharedBytes) return -ENOMEM;
  const uint64_t total = file_bytes(bytes);
  // Asked first: the kernel does not refuse memory that is not there, it ends processes.
  if (!memory_allows(total)) return -ENOMEM;
  struct stat file;
  if (fstat(fd, &file) != 0) return -errno;
  if (file.st_size == 0 && ftruncate(fd, static_cast<off_t>(total)) != 0) return -errno;
  if (const int error = make_real(fd, 0, total)) return -error;
  return write_header(fd, bytes, kind);
}

int create_block(uint64_t bytes, uint32_t kind) {
  if (bytes > kMostSharedBytes) return -ENOMEM;
  const int fd = create_shared_memory("forkful-memory", file_bytes(bytes));
  if (fd < 0) return fd;
  if (const int error = initialise_block(fd, bytes, kind)) {
    close(fd);
    return error;
  }
  return fd;
}

uint64_t block_id(int fd) {
  Description found;
  return describe(fd, &found) ? found.id : 0;
}

SharedBlock::~SharedBlock() {
  if (base_ != nullptr && holds_ == 0) munmap(base_, mapped_bytes_);
  if (fd_ >= 0) close(fd_);
}

int SharedBlock::attach(int fd, bool apart) {
  fd_ = fd;
  Description found;
  if (!describe(fd, &found)) return -EPROTO;
  const uint64_t total = file_bytes(found.data_bytes);
  int mapped_fd = fd;
  // A mapping keeps its opening of the file, and with it the flock.
  if (apart) mapped_fd = open(("/proc/self/fd/" + std::to_string(fd)).c_str(), O_RDWR | O_CLOEXEC);
  if (mapped_fd < 0) return -errno;
  void* mapped = mmap(nullptr, total, PROT_READ | PROT_WRITE, MAP_SHARED, mapped_fd, 0);
  const int error = errno;
  if (apart) close(mapped_fd);
  if (mapped == MAP_FAILED) return -error;
  base_ = static_cast<uint8_t*>(mapped);
  mapped_bytes_ = total;
  bytes_ = found.data_bytes;
  kind_ = found.kind;
  id_ = found.id;
  return 0;
}

void SharedBlock::retire() {
  retired_ = true;
  if (holds_ > 0 || base_ == nullptr) return;
  detach_pages(base_, mapped_bytes_);
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

void SharedBlock::ring() const {
  const uint64_t one = 1;
  const ssize_t written = pwrite(fd_, &one, sizeof one, static_cast<off_t>(offsetof(BlockHeader, bell)));
  static_cast<void>(written);
}

RobustMutex::Outcome SharedBlock::lock(const Deadline& deadline) {
  const RobustMutex::Outcome outcome = header().lock.lock(deadline);
  if (outcome == RobustMutex::Outcome::kLocked || outcome == RobustMutex::Outcome::kOwnerDied) holds_++;
  return outcome;
}

void SharedBlock::unlock() {
  header().lock.unlock();
  if (--holds_ == 0 && retired_) retire();
}

}  // namespace forkful
