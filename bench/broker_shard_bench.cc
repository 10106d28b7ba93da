// What a shard costs by itself, without sockets: memory of a client, and the way of a message from PUBLISH to PUBLISH.
//
//   cmake --build build --target broker_shard_bench && build/broker_shard_bench
#include <malloc.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "broker/core/shard.h"
#include "wire/mqtt/encode.h"

namespace {

std::size_t heap_bytes = 0;  // with what the allocator adds

}  // namespace

void* operator new(std::size_t size) {
  void* block = std::malloc(size);
  if (block == nullptr) throw std::bad_alloc();
  heap_bytes += malloc_usable_size(block) + 8;
  return block;
}
void operator delete(void* block) noexcept {
  if (block != nullptr) heap_bytes -= malloc_usable_size(block) + 8;
  std::free(block);
}
void operator delete(void* block, std::size_t) noexcept { operator delete(block); }

namespace holdfast::broker {
namespace {

using wire::mqtt::Bytes;

// Takes everything and does nothing.
class NoPorts final : public Ports {
 public:
  bool may(base::Key, Action, std::string_view) override { return true; }
  bool ready(base::Key) override { return true; }
  void send(base::Key, std::span<const std::byte> bytes) override { sent += bytes.size(); }
  void send(base::Key, std::span<const std::byte> head, const MessageRef& message) override {
    sent += head.size() + message->payload().size();
    ++messages;
  }
  void end(base::Key, EndReason) override {}
  bool granted(base::Key, unsigned) override { return true; }
  std::unique_ptr<AuthMethod> begin_auth(base::Key, const AuthQuestion&) override { return nullptr; }
  bool take_delayed_room(std::size_t) override { return false; }
  void give_delayed_room(std::size_t) override {}
  bool may_fire(std::string_view, ClaimToken) override { return true; }
  void will_refused(base::Key, std::string_view, wire::mqtt::Reason) override {}
  void mail(unsigned, Mail) override {}

  std::size_t sent = 0;
  std::size_t messages = 0;
};

class Bench {
 public:
  explicit Bench(unsigned shards = 1) {
    settings_.shards = shards;
    settings_.hash_key = {1, 2};
    shard_ = std::make_unique<Shard>(settings_, 0, ports_, counters_);
  }

  std::uint32_t connect(const std::string& client_id, wire::mqtt::Version version = wire::mqtt::Version::v311) {
    wire::mqtt::Connect connect;
    connect.version = version;
    connect.client_id = client_id;
    shard_->claim({}, client_id);
    return shard_->attach({.link = {},
                           .connect = connect,
                           .limits = limits_,
                           .client_id = client_id,
                           .user = {},
                           .is_assigned = false,
                           .address = {}},
                          now_);
  }
  void say(std::uint32_t place, const Bytes& packet) {
    const wire::mqtt::Header header = wire::mqtt::read_header(packet).header;
    shard_->on_packet(place, header, std::span(packet).subspan(header.header_bytes), now_);
  }
  void subscribe(std::uint32_t place, std::string_view filter, Qos qos = Qos::at_most_once) {
    Bytes encoded;
    (void)wire::mqtt::append_filter(encoded, filter, {.qos = qos});
    wire::mqtt::Subscribe packet;
    packet.packet_id = 1;
    packet.filters = {encoded, wire::mqtt::FilterList::Kind::with_options};
    Bytes bytes;
    (void)wire::mqtt::encode_subscribe(bytes, packet, wire::mqtt::Version::v311);
    say(place, bytes);
  }
  static Bytes publish(std::string_view topic, std::size_t payload_bytes) {
    const std::string payload(payload_bytes, 'x');
    wire::mqtt::Publish packet;
    packet.topic = topic;
    packet.payload = std::as_bytes(std::span(payload));
    Bytes bytes;
    (void)wire::mqtt::encode_publish(bytes, packet, wire::mqtt::Version::v311);
    return bytes;
  }
  NoPorts& ports() { return ports_; }

 private:
  ShardSettings settings_;
  ListenerLimits limits_;
  ShardCounters counters_;
  NoPorts ports_;
  base::Time now_{std::chrono::hours(1)};
  std::unique_ptr<Shard> shard_;
};

void measure_memory(bool subscribes) {
  constexpr std::uint32_t kClients = 200'000;
  Bench bench;
  const std::size_t before = heap_bytes;
  for (std::uint32_t i = 0; i < kClients; ++i) {
    const std::string client_id = "device-" + std::to_string(1'000'000'000 + i);
    const std::uint32_t place = bench.connect(client_id);
    if (subscribes) bench.subscribe(place, "devices/" + client_id + "/commands");
  }
  std::printf("memory of an idle client%s: %zu bytes\n", subscribes ? " with a subscription of its own" : "",
              (heap_bytes - before) / kClients);
}

int repeats = 5;
std::uint32_t deliveries = 2'000'000;

void measure_publish(const char* name, unsigned shards, std::uint32_t clients, std::uint32_t subscribers, Qos granted) {
  Bench bench(shards);
  const std::uint32_t publisher = bench.connect("publisher");
  for (std::uint32_t i = 0; i < clients; ++i) {
    bench.subscribe(bench.connect("device-" + std::to_string(i)), "devices/" + std::to_string(i) + "/state/temperature",
                    granted);
  }
  for (std::uint32_t i = 1; i < subscribers; ++i) {
    bench.subscribe(bench.connect("more-" + std::to_string(i)), "devices/+/state/temperature", granted);
  }
  std::vector<Bytes> packets;
  for (std::uint32_t i = 0; i < 1024; ++i) {
    packets.push_back(Bench::publish("devices/" + std::to_string(i * 97 % clients) + "/state/temperature", 64));
  }
  const std::uint32_t rounds = deliveries / subscribers;
  double best = 1e9;
  for (int again = 0; again < repeats; ++again) {
    const std::size_t before = bench.ports().messages;
    const auto start = std::chrono::steady_clock::now();
    for (std::uint32_t i = 0; i < rounds; ++i) bench.say(publisher, packets[i % packets.size()]);
    const double ns = std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count();
    if (bench.ports().messages - before != std::size_t{rounds} * subscribers) std::abort();
    best = std::min(best, ns / rounds);
  }
  std::printf("%s: %.0f ns\n", name, best);
}

}  // namespace
}  // namespace holdfast::broker

// "few": so few messages that a tool that counts instructions is not kept waiting.
int main(int count, char** arguments) {
  using namespace holdfast::broker;
  if (count > 1 && std::string_view(arguments[1]) == "few") {
    repeats = 1;
    deliveries = 20'000;
    measure_publish("QoS 0, 1,000 clients, one subscriber", 1, 1'000, 1, Qos::at_most_once);
    return 0;
  }
  std::printf("sizes: Session %zu, Client %zu\n", sizeof(Session), sizeof(Client));
  measure_memory(false);
  measure_memory(true);
  measure_publish("QoS 0, 1,000 clients, one subscriber", 1, 1'000, 1, Qos::at_most_once);
  measure_publish("QoS 0, 1,000 clients, one subscriber, node of 4 shards", 4, 1'000, 1, Qos::at_most_once);
  measure_publish("QoS 0, 100,000 clients, one subscriber", 1, 100'000, 1, Qos::at_most_once);
  measure_publish("QoS 0, 1,000 clients, 100 subscribers", 1, 1'000, 100, Qos::at_most_once);
  return 0;
}
