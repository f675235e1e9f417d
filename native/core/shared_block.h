#pragma once
#include <cstdint>

#include "core/deadline.h"
#include "core/robust_mutex.h"

namespace forkful {

// Memory that a program uses as it likes: a header of ours, then its bytes. The bytes are real from the start, so that
// no later access can find the memory exhausted (SIGBUS).

constexpr uint64_t kBlockMagic = 0x316b6c626b726f66;  // "forkblk1"
constexpr uint32_t kBlockVersion = 2;

struct BlockHeader {
  // Written once by the creator, before anybody else knows the block.
  uint64_t magic;
  uint32_t version;
  uint32_t kind;  // what the bytes are; the creator's
  uint64_t data_bytes;
  uint64_t id;  // random: tells this block from others that had, or will have, its name
  uint32_t abi;   // kAbi of who made it
  uint32_t unused;
  uint64_t bell;  // written, never read: who watches the file hears of it
  alignas(64) RobustMutex lock;
};

constexpr uint64_t kBlockDataOffset = 128;
static_assert(sizeof(BlockHeader) <= kBlockDataOffset);

// Makes an empty file of ours a block of `bytes` zeros. Returns 0 or -errno; -ENOMEM without the memory for it.
int initialise_block(int fd, uint64_t bytes, uint32_t kind);
// A nameless block; the descriptor or -errno.
int create_block(uint64_t bytes, uint32_t kind);
// The id of the block in a file; 0 if there is none.
uint64_t block_id(int fd);

// A mapped block, and its descriptor. Used by one thread.
class SharedBlock {
 public:
  SharedBlock() = default;
  SharedBlock(const SharedBlock&) = delete;
  SharedBlock& operator=(const SharedBlock&) = delete;
  // Unmaps, unless this thread holds the lock: then the memory stays, so that the kernel can tell the others of its end.
  ~SharedBlock();

  // Takes over the descriptor, also if it fails. Returns 0 or -errno: -EPROTO if that is no block.
  // `apart`: by a mapping that is no use of the file's name, see named_file.h; the descriptor is.
  int attach(int fd, bool apart = false);
  // Gives the memory back at once, while views may still exist and the kernel or other threads may be writing through
  // them: the addresses stay valid and lead to private zeros. Put off while this thread holds the lock.
  void retire();

  [[nodiscard]] RobustMutex::Outcome lock(const Deadline& deadline);
  void unlock();

  // Tells those who watch the file.
  void ring() const;

  uint8_t* data() const { return base_ + kBlockDataOffset; }
  uint64_t bytes() const { return bytes_; }
  uint32_t kind() const { return kind_; }
  uint64_t id() const { return id_; }
  int descriptor() const { return fd_; }

 private:
  BlockHeader& header() const { return *reinterpret_cast<BlockHeader*>(base_); }

  uint8_t* base_ = nullptr;
  uint64_t mapped_bytes_ = 0;
  uint64_t bytes_ = 0;
  uint64_t id_ = 0;
  uint32_t kind_ = 0;
  uint32_t holds_ = 0;
  int fd_ = -1;
  bool retired_ = false;
};

}  // namespace forkful
