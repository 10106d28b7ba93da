// Counts what this test program allocates, for Relays.AMessageInSteadyStateAllocatesNothing.
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace holdfast::gateway {
std::atomic<std::uint64_t> allocations{0};
}

void* operator new(std::size_t size) {
  ++holdfast::gateway::allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void* operator new(std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
  ++holdfast::gateway::allocations;
  return std::malloc(size);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept { std::free(memory); }
