// Counts what this test program allocates.
#include <malloc.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace holdfast::broker {
std::atomic<std::uint64_t> allocations{0};
std::atomic<std::int64_t> allocated_bytes{0};  // of what lives, with the 8 bytes that malloc puts before each block
}  // namespace holdfast::broker

namespace {

constexpr std::int64_t kHeadBytes = 8;

void* counted(void* memory) {
  if (memory == nullptr) return nullptr;
  ++holdfast::broker::allocations;
  holdfast::broker::allocated_bytes += static_cast<std::int64_t>(malloc_usable_size(memory)) + kHeadBytes;
  return memory;
}

void release(void* memory) noexcept {
  if (memory != nullptr) {
    holdfast::broker::allocated_bytes -= static_cast<std::int64_t>(malloc_usable_size(memory)) + kHeadBytes;
  }
  std::free(memory);
}

}  // namespace

void* operator new(std::size_t size) {
  if (void* memory = counted(std::malloc(size))) return memory;
  throw std::bad_alloc();
}
void* operator new(std::size_t size, const std::nothrow_t& /*tag*/) noexcept { return counted(std::malloc(size)); }
void operator delete(void* memory) noexcept { release(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept { release(memory); }
