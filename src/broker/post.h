// broker/post.h: what workers send each other: the mail of their shards, and connections that go to their session.
//
// Thread: each pair of workers has a mailbox of its own, so that the sender alone knows how full it is. Outbox is the
//         sending worker's.
// Order:  as sent. Nothing is lost: what does not fit waits here, and clogged() asks for patience meanwhile.
// Cost:   what a turn has for another worker is one post, however many letters.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/mailbox.h"
#include "broker/connection.h"
#include "broker/core/mail.h"

namespace holdfast::broker {

// A connection on its way to the worker that has its session.
struct Handover {
  int fd = -1;
  std::uint64_t id = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t bytes_sent = 0;
  base::PeerAddress client;
  std::uint16_t listener = 0;
  wire::mqtt::Version version{};
  entry::Placed placed{};
  base::Tick accepted;
  auth::Rank rank{};
  std::unique_ptr<Arriving> arriving;
  std::unique_ptr<WebSocketState> websocket;
};

using Letter = std::variant<Mail, Handover>;
using Batch = std::unique_ptr<std::vector<Letter>>;
using Postbox = base::Mailbox<Batch>;

// The mailboxes of all pairs.
class PostOffice {
 public:
  static constexpr std::size_t kBatchesMax = 64;  // of one pair

  explicit PostOffice(unsigned workers) : boxes_(workers) {
    for (auto& row : boxes_) row.resize(workers);
  }
  // Before the workers start.
  void open(unsigned to, base::Waker& waker) {
    for (auto& row : boxes_) row[to] = std::make_unique<Postbox>(kBatchesMax, waker);
  }
  [[nodiscard]] Postbox& box(unsigned from, unsigned to) { return *boxes_[from][to]; }
  [[nodiscard]] unsigned workers() const noexcept { return static_cast<unsigned>(boxes_.size()); }

 private:
  std::vector<std::vector<std::unique_ptr<Postbox>>> boxes_;
};

class Outbox {
 public:
  static constexpr std::size_t kWaitingMax = 16'384;  // letters to one worker, from where on publishers wait

  Outbox(PostOffice& office, unsigned from) : office_(office), from_(from), waiting_(office.workers()) {}

  void add(unsigned to, Letter letter) {
    if (!waiting_[to]) waiting_[to] = std::make_unique<std::vector<Letter>>();
    waiting_[to]->push_back(std::move(letter));
    if (waiting_[to]->size() >= kWaitingMax) clogged_ = true;
  }

  // At the end of a turn. True when something had to stay.
  bool post() {
    bool stays = false;
    clogged_ = false;
    for (unsigned to = 0; to < waiting_.size(); ++to) {
      if (!waiting_[to]) continue;
      Postbox& box = office_.box(from_, to);
      if (box.depth() < box.capacity()) {
        (void)box.post(std::move(waiting_[to]));
        continue;
      }
      stays = true;
      clogged_ |= waiting_[to]->size() >= kWaitingMax;
    }
    return stays;
  }

  [[nodiscard]] bool clogged() const noexcept { return clogged_; }

 private:
  PostOffice& office_;
  const unsigned from_;
  std::vector<Batch> waiting_;
  bool clogged_ = false;
};

}  // namespace holdfast::broker
