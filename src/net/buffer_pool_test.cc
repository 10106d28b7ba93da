#include "net/buffer_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <string>

namespace holdfast::net {
namespace {

constexpr std::size_t kChunk = BufferPool::kChunkBytes;
constexpr std::size_t kBlock = 64 * kChunk;

std::string random_text(std::mt19937_64& random, std::size_t size) {
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

bool append(BufferPool& pool, BufferChain& chain, std::string_view text) {
  return pool.append(chain, std::as_bytes(std::span(text)));
}

// What peek() shows, in as many rounds as a caller with `pieces_max` pieces would need for its first write.
std::string peeked(BufferPool& pool, const BufferChain& chain, std::size_t pieces_max) {
  std::array<iovec, 64> pieces{};
  const std::size_t used = pool.peek(chain, std::span(pieces).first(pieces_max));
  EXPECT_LE(used, pieces_max);
  std::string text;
  for (std::size_t i = 0; i < used; ++i) {
    EXPECT_GT(pieces[i].iov_len, 0U);
    text.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
  }
  return text;
}

TEST(BufferPool, AnEmptyChainOwnsNothing) {
  BufferPool pool;
  BufferChain chain;
  EXPECT_TRUE(append(pool, chain, ""));
  EXPECT_TRUE(chain.empty());
  EXPECT_EQ(peeked(pool, chain, 4), "");
  pool.release(chain);
  EXPECT_EQ(pool.chunks_in_use(), 0U);
  EXPECT_EQ(pool.memory_bytes(), 0U);
}

TEST(BufferPool, UsesNoMoreChunksThanTheBytesNeed) {
  struct Case {
    std::size_t bytes, taken, chunks;
  };
  for (const Case c : {Case{1, 0, 1}, Case{kChunk, 0, 1}, Case{kChunk + 1, 0, 2}, Case{kChunk + 1, kChunk, 1},
                       Case{2 * kChunk, 1, 2}, Case{2 * kChunk, 2 * kChunk, 0}, Case{3 * kChunk, 2 * kChunk, 1}}) {
    SCOPED_TRACE(testing::Message() << c.bytes << " bytes, " << c.taken << " taken");
    BufferPool pool;
    BufferChain chain;
    ASSERT_TRUE(append(pool, chain, std::string(c.bytes, 'x')));
    pool.consume(chain, c.taken);
    EXPECT_EQ(pool.chunks_in_use(), c.chunks);
    EXPECT_EQ(chain.bytes, c.bytes - c.taken);
    pool.release(chain);
    EXPECT_EQ(pool.chunks_in_use(), 0U);
  }
}

TEST(BufferPool, GivesMemoryBackWhenABurstIsOver) {
  BufferPool pool;
  std::array<BufferChain, 16> chains;
  for (BufferChain& chain : chains) ASSERT_TRUE(append(pool, chain, std::string(kBlock, 'x')));
  EXPECT_EQ(pool.memory_bytes(), 16 * kBlock);
  for (BufferChain& chain : chains) pool.release(chain);
  EXPECT_EQ(pool.memory_bytes(), kBlock) << "one block is kept for the next byte";
  BufferChain& again = chains[0];
  ASSERT_TRUE(append(pool, again, "x"));
  EXPECT_EQ(pool.memory_bytes(), kBlock);
  pool.release(again);
}

TEST(BufferPoolDeathTest, TakingMoreThanThereIsEndsTheProcess) {
  BufferPool pool;
  BufferChain chain;
  ASSERT_TRUE(append(pool, chain, "abc"));
  EXPECT_DEATH(pool.consume(chain, 4), "");
}

TEST(BufferPool, MatchesStringsUnderRandomUse) {
  constexpr std::size_t kChains = 20;
  BufferPool pool;
  std::array<BufferChain, kChains> chains;
  std::array<std::string, kChains> model;
  std::mt19937_64 random(7);
  for (int step = 0; step < 20'000; ++step) {
    const std::size_t i = random() % kChains;
    if (random() % 2 == 0 && model[i].size() < 200'000) {
      const std::string text = random_text(random, random() % (random() % 4 == 0 ? 30'000 : 3'000));
      ASSERT_TRUE(append(pool, chains[i], text));
      model[i] += text;
    } else {
      const std::size_t count = random() % 4 == 0 ? model[i].size() : random() % (model[i].size() + 1);
      pool.consume(chains[i], count);
      model[i].erase(0, count);
    }
    ASSERT_EQ(chains[i].bytes, model[i].size());
    const std::string seen = peeked(pool, chains[i], 1 + random() % 64);
    ASSERT_TRUE(seen == std::string_view(model[i]).substr(0, seen.size())) << "step " << step;
    ASSERT_EQ(seen.empty(), model[i].empty());
  }
  for (BufferChain& chain : chains) pool.release(chain);
  EXPECT_EQ(pool.chunks_in_use(), 0U);
  EXPECT_LE(pool.memory_bytes(), 2 * kBlock);
}

}  // namespace
}  // namespace holdfast::net
