// load/mqtt/lying_broker_testing.h: a broker for tests that loses, doubles or reorders what it is told to.
//
// Thread: one of its own; stopped by the destructor. Limits: small loads; its writes block.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/event_fd.h"
#include "load/mqtt/payload.h"
#include "net/socket.h"
#include "wire/mqtt/decode.h"
#include "wire/mqtt/encode.h"

namespace holdfast::load {

enum class Lie : std::uint8_t {
  none,
  lose_every_tenth,
  lose_all,
  double_every_tenth,
  swap_every_tenth,  // with the one after it
  send_foreign,      // a number that was never sent
  refuse_clients,    // CONNACK says no
  refuse_subscriptions,
  refuse_messages,  // PUBACK says no
  never_acknowledge,
};

class LyingBroker {
 public:
  explicit LyingBroker(Lie lie)
      : lie_(lie), listener_(open()), address(*net::SocketAddress::local_of(listener_.get())) {
    thread_ = std::thread([this] { work(); });
  }
  ~LyingBroker() {
    end_.wake();
    thread_.join();
  }

 private:
  struct Peer {
    net::Fd fd;
    wire::mqtt::Version version = wire::mqtt::Version::v5;
    std::vector<std::byte> received;
    std::string filter;
    std::map<std::uint32_t, wire::mqtt::Bytes> kept;  // of each publisher: what its next message overtakes
    std::uint16_t next_id = 0;
  };

  static net::Fd open() {
    const auto any = net::SocketAddress::from(*base::parse_endpoint("127.0.0.1:0"));
    return std::move(*net::open_listener(*any, {}, net::Sharing::alone));
  }

  void work() {
    for (;;) {
      std::vector<pollfd> watched = {{end_.fd(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
      for (const auto& peer : peers_) watched.push_back({peer->fd.get(), POLLIN, 0});
      (void)::poll(watched.data(), watched.size(), -1);
      if (watched[0].revents != 0) return;
      for (std::size_t i = 2; i < watched.size(); ++i) {
        if (watched[i].revents != 0 && !serve(*peers_[i - 2])) peers_[i - 2]->fd = net::Fd();
      }
      std::erase_if(peers_, [](const auto& peer) { return peer->fd.get() < 0; });
      if (watched[1].revents == 0) continue;
      peers_.push_back(std::make_unique<Peer>());
      peers_.back()->fd = net::Fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    }
  }

  bool serve(Peer& peer) {
    std::byte buffer[65536];
    const auto got = ::recv(peer.fd.get(), buffer, sizeof buffer, 0);
    if (got <= 0) return false;
    peer.received.insert(peer.received.end(), buffer, buffer + got);
    std::size_t used = 0;
    for (;;) {
      const auto rest = std::span<const std::byte>(peer.received).subspan(used);
      const auto read = wire::mqtt::read_header(rest);
      if (read.status != wire::mqtt::HeaderStatus::ok || read.header.packet_bytes() > rest.size()) break;
      wire::mqtt::Packet packet;
      const auto body = rest.subspan(read.header.header_bytes, read.header.body_bytes);
      const auto* fault = wire::mqtt::decode(read.header, body, peer.version, wire::mqtt::Sender::client, packet);
      if (fault != nullptr) return false;
      std::visit([&](const auto& one) { handle(peer, one); }, packet);
      used += read.header.packet_bytes();
    }
    peer.received.erase(peer.received.begin(), peer.received.begin() + static_cast<std::ptrdiff_t>(used));
    return true;
  }

  template <typename Other>
  void handle(Peer&, const Other&) {}

  void handle(Peer& peer, const wire::mqtt::Connect& connect) {
    peer.version = connect.version;
    wire::mqtt::Connack connack;
    if (lie_ == Lie::refuse_clients) connack.reason = wire::mqtt::Reason::not_authorized;
    say(peer, connack);
  }
  void handle(Peer& peer, const wire::mqtt::Subscribe& subscribe) {
    const wire::mqtt::Filter first = *subscribe.filters.begin();
    peer.filter = first.filter;
    const auto code = lie_ == Lie::refuse_subscriptions ? std::byte{0x87} : static_cast<std::byte>(first.options.qos);
    wire::mqtt::Suback suback;
    suback.packet_id = subscribe.packet_id;
    suback.codes = std::span(&code, 1);
    say(peer, suback);
  }
  void handle(Peer& peer, const wire::mqtt::Ping&) { say(peer, wire::mqtt::Ping{wire::mqtt::PacketType::pingresp}); }
  void handle(Peer& peer, const wire::mqtt::Publish& publish) {
    if (publish.qos == wire::mqtt::Qos::at_least_once && lie_ != Lie::never_acknowledge) {
      wire::mqtt::Ack ack;
      ack.packet_id = publish.packet_id;
      if (lie_ == Lie::refuse_messages) ack.reason = wire::mqtt::Reason::quota_exceeded;
      say(peer, ack);
    }
    if (lie_ == Lie::refuse_messages) return;
    for (const auto& other : peers_) {
      if (matches(other->filter, publish.topic)) deliver(*other, publish);
    }
  }

  static bool matches(std::string_view filter, std::string_view topic) {
    if (!filter.ends_with('+')) return filter == topic;
    filter.remove_suffix(1);
    if (filter.starts_with("$share/bench/")) filter.remove_prefix(13);
    return topic.starts_with(filter);
  }

  void deliver(Peer& peer, wire::mqtt::Publish publish) {
    MqttStamp stamp = read_stamp(publish.payload);
    const bool chosen = stamp.number % 10 == 5;
    if (lie_ == Lie::lose_all || (lie_ == Lie::lose_every_tenth && chosen)) return;
    if (lie_ == Lie::send_foreign && chosen) stamp.number += 1'000'000;
    std::vector<std::byte> payload(publish.payload.begin(), publish.payload.end());
    write_stamp(payload, stamp);
    publish.payload = payload;
    publish.packet_id = publish.qos == wire::mqtt::Qos::at_most_once ? std::uint16_t{0} : ++peer.next_id;
    wire::mqtt::Bytes bytes;
    (void)wire::mqtt::encode_publish(bytes, publish, peer.version);
    if (lie_ == Lie::swap_every_tenth && chosen) {
      peer.kept[stamp.publisher] = bytes;
      return;
    }
    send(peer, bytes);
    if (lie_ == Lie::double_every_tenth && chosen) send(peer, bytes);
    send(peer, std::exchange(peer.kept[stamp.publisher], {}));
  }

  void say(Peer& peer, const wire::mqtt::Packet& packet) {
    wire::mqtt::Bytes bytes;
    if (wire::mqtt::encode(bytes, packet, peer.version)) send(peer, bytes);
  }
  static void send(Peer& peer, const wire::mqtt::Bytes& bytes) {
    (void)::send(peer.fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }

  const Lie lie_;
  net::Fd listener_;
  base::EventFd end_;
  std::vector<std::unique_ptr<Peer>> peers_;
  std::thread thread_;

 public:
  const net::SocketAddress address;
};

}  // namespace holdfast::load
