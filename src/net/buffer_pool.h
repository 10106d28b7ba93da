// net/buffer_pool.h: where bytes wait that a peer would not take yet.
//
// Thread: the owner loop's thread only.
// Cost:   append copies once; consume and release are O(chunks). A chain is 16 bytes inside its owner and owns no
//         memory while it is empty.
// Memory: chunks of 4 KiB in blocks of 64. A block that is wholly free goes back to the system when another one with
//         room is kept. What one chain may hold is the caller's bound (the relay's high watermark).
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace holdfast::net {

// Bytes in order, oldest first. A value without pointers; BufferPool does everything with it.
struct BufferChain {
  static constexpr std::uint32_t kNone = ~0U;

  std::uint32_t first = kNone;  // chunk
  std::uint32_t last = kNone;   // chunk
  std::uint32_t bytes = 0;
  std::uint32_t offset = 0;  // of the oldest byte in the first chunk

  [[nodiscard]] bool empty() const noexcept { return bytes == 0; }
};

class BufferPool {
 public:
  static constexpr std::size_t kChunkBytes = 4096;

  BufferPool() = default;
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  // False when the system has no memory left; the chain then holds what it held.
  [[nodiscard]] bool append(BufferChain& chain, std::span<const std::byte> bytes);
  // Fills `pieces` with the oldest bytes, without taking them. Returns how many pieces it used.
  [[nodiscard]] std::size_t peek(const BufferChain& chain, std::span<iovec> pieces) noexcept;
  // Takes the oldest `count` bytes away; count must not exceed chain.bytes.
  void consume(BufferChain& chain, std::size_t count) noexcept;
  void release(BufferChain& chain) noexcept { consume(chain, chain.bytes); }

  [[nodiscard]] std::size_t chunks_in_use() const noexcept { return in_use_; }
  [[nodiscard]] std::size_t memory_bytes() const noexcept { return mapped_blocks_ * kBlockBytes; }

 private:
  static constexpr std::uint32_t kBlockChunks = 64;
  static constexpr std::size_t kBlockBytes = kBlockChunks * kChunkBytes;

  struct Block {
    std::byte* memory = nullptr;  // null: given back to the system
    std::uint64_t free = 0;       // a bit for each free chunk
    bool listed = false;          // its number is in with_room_
    std::array<std::uint32_t, kBlockChunks> next{};
  };

  [[nodiscard]] std::uint32_t take_chunk();
  void give_chunk(std::uint32_t chunk) noexcept;
  [[nodiscard]] bool map_block();
  [[nodiscard]] std::byte* memory_of(std::uint32_t chunk) noexcept {
    return blocks_[chunk / kBlockChunks].memory + chunk % kBlockChunks * kChunkBytes;
  }
  [[nodiscard]] std::uint32_t& next_of(std::uint32_t chunk) noexcept {
    return blocks_[chunk / kBlockChunks].next[chunk % kBlockChunks];
  }
  void cut(BufferChain& chain, std::size_t bytes_kept) noexcept;

  std::vector<Block> blocks_;
  std::vector<std::uint32_t> with_room_;  // blocks that had a free chunk when they were listed
  std::vector<std::uint32_t> unmapped_;   // blocks without memory
  std::size_t in_use_ = 0;
  std::size_t mapped_blocks_ = 0;
};

}  // namespace holdfast::net
