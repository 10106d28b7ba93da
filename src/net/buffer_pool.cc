#include "net/buffer_pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>

namespace holdfast::net {

BufferPool::~BufferPool() {
  for (const Block& block : blocks_) {
    if (block.memory != nullptr) ::munmap(block.memory, kBlockBytes);
  }
}

bool BufferPool::append(BufferChain& chain, std::span<const std::byte> bytes) {
  const std::size_t held = chain.bytes;
  while (!bytes.empty()) {
    const std::size_t used = (chain.offset + chain.bytes) % kChunkBytes;  // in the last chunk; 0 when it is full
    if (chain.empty() || used == 0) {
      const std::uint32_t chunk = take_chunk();
      if (chunk == BufferChain::kNone) {
        cut(chain, held);
        return false;
      }
      next_of(chunk) = BufferChain::kNone;
      if (chain.empty()) {
        chain = BufferChain{.first = chunk, .last = chunk};
      } else {
        next_of(chain.last) = chunk;
        chain.last = chunk;
      }
    }
    const std::size_t place = (chain.offset + chain.bytes) % kChunkBytes;
    const std::size_t count = std::min(kChunkBytes - place, bytes.size());
    std::memcpy(memory_of(chain.last) + place, bytes.data(), count);
    chain.bytes += static_cast<std::uint32_t>(count);
    bytes = bytes.subspan(count);
  }
  return true;
}

// Takes back what a failed append had added. Rare, so a walk from the front is good enough.
void BufferPool::cut(BufferChain& chain, std::size_t bytes_kept) noexcept {
  if (bytes_kept == 0) return release(chain);
  std::uint32_t last = chain.first;
  for (std::size_t end = kChunkBytes; end < chain.offset + bytes_kept; end += kChunkBytes) last = next_of(last);
  for (std::uint32_t chunk = next_of(last); chunk != BufferChain::kNone;) {
    const std::uint32_t next = next_of(chunk);
    give_chunk(chunk);
    chunk = next;
  }
  next_of(last) = BufferChain::kNone;
  chain.last = last;
  chain.bytes = static_cast<std::uint32_t>(bytes_kept);
}

std::size_t BufferPool::peek(const BufferChain& chain, std::span<iovec> pieces) noexcept {
  std::size_t used = 0;
  std::size_t left = chain.bytes;
  std::size_t place = chain.offset;
  for (std::uint32_t chunk = chain.first; left > 0 && used < pieces.size(); chunk = next_of(chunk)) {
    const std::size_t count = std::min(kChunkBytes - place, left);
    pieces[used++] = iovec{memory_of(chunk) + place, count};
    left -= count;
    place = 0;
  }
  return used;
}

void BufferPool::consume(BufferChain& chain, std::size_t count) noexcept {
  if (count > chain.bytes) std::abort();
  chain.bytes -= static_cast<std::uint32_t>(count);
  std::size_t end = chain.offset + count;
  while (end >= kChunkBytes || (chain.bytes == 0 && chain.first != BufferChain::kNone)) {
    const std::uint32_t chunk = chain.first;
    chain.first = next_of(chunk);
    give_chunk(chunk);
    end -= std::min(end, kChunkBytes);
  }
  chain.offset = static_cast<std::uint32_t>(end);
  if (chain.bytes == 0) chain = BufferChain{};
}

std::uint32_t BufferPool::take_chunk() {
  while (!with_room_.empty()) {
    const std::uint32_t number = with_room_.back();
    Block& block = blocks_[number];
    if (block.memory == nullptr || block.free == 0) {  // given back, or filled, since it was listed
      block.listed = false;
      with_room_.pop_back();
      continue;
    }
    const auto place = static_cast<std::uint32_t>(std::countr_zero(block.free));
    block.free &= block.free - 1;
    ++in_use_;
    return number * kBlockChunks + place;
  }
  return map_block() ? take_chunk() : BufferChain::kNone;
}

bool BufferPool::map_block() {
  void* memory = ::mmap(nullptr, kBlockBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return false;
  if (unmapped_.empty()) {
    unmapped_.push_back(static_cast<std::uint32_t>(blocks_.size()));
    blocks_.emplace_back();
  }
  const std::uint32_t number = unmapped_.back();
  unmapped_.pop_back();
  Block& block = blocks_[number];
  block.memory = static_cast<std::byte*>(memory);
  block.free = ~std::uint64_t{0};
  block.listed = true;
  with_room_.push_back(number);
  ++mapped_blocks_;
  return true;
}

void BufferPool::give_chunk(std::uint32_t chunk) noexcept {
  const std::uint32_t number = chunk / kBlockChunks;
  Block& block = blocks_[number];
  block.free |= 1ULL << (chunk % kBlockChunks);
  --in_use_;
  const std::size_t room = mapped_blocks_ * kBlockChunks - in_use_;
  if (block.free == ~std::uint64_t{0} && room >= 2 * kBlockChunks) {
    ::munmap(block.memory, kBlockBytes);
    block.memory = nullptr;
    --mapped_blocks_;
    unmapped_.push_back(number);
  } else if (!block.listed) {
    block.listed = true;
    with_room_.push_back(number);
  }
}

}  // namespace holdfast::net
