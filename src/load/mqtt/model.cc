#include "load/mqtt/model.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/random.h"
#include "load/dial_from.h"
#include "net/socket.h"

namespace holdfast::load {
namespace {

using wire::mqtt::Header;
using wire::mqtt::PacketType;
using wire::mqtt::Qos;
using wire::mqtt::Reason;

constexpr std::size_t kReadBytes = 256 * 1024;
constexpr int kReadsPerEvent = 4;  // then it is another client's turn

std::string name_of_run() {
  base::Random random(static_cast<std::uint64_t>(base::Clock::now().time_since_epoch().count()) ^
                      static_cast<std::uint64_t>(::getpid()) << 40);
  return fmt::format("{:08x}", random.next() >> 32);
}

}  // namespace

MqttModel::MqttModel(net::Loop& loop, const MqttSettings& settings, const Window& window)
    : loop_(loop),
      settings_(settings),
      window_(window),
      timers_(*this, loop.tick()),
      source_(loop.add_source(*this)),
      run_(name_of_run()),
      prefix_(fmt::format("{}/{}/", settings.topic, run_)),
      packet_bytes_max_(settings.message_bytes + kPacketExtraBytes),
      incoming_(std::max(kReadBytes, 2 * packet_bytes_max_)),
      filler_(settings.message_bytes, std::byte{'h'}) {
  loop.add_timers(timers_);
}

MqttModel::~MqttModel() {
  slab_.for_each([](base::Key, Client& client) { client.transport.close(); });
}

base::Result<void> MqttModel::begin() {
  const auto watched = pacer_.watch(loop_, net::Token{source_, kPacerPart, {}});
  if (!watched) return watched;
  on_begin();
  fill();
  return {};
}

void MqttModel::finish() {
  on_finish();
  slab_.for_each([&](base::Key key, Client& client) {
    if (client.state == Client::State::ready && client.unsent.empty()) {
      disconnect(key);
    } else {
      drop(key);
    }
  });
}

std::string MqttModel::topic_of(std::uint32_t number) const { return fmt::format("{}{}", prefix_, number); }

// --- dialling ---

void MqttModel::dial_more() {
  while (dialled_ < wanted() && greeting_ < kGreetingMax) dial(dialled_, loop_.now());
}

base::Result<int> MqttModel::open_socket(std::uint32_t number) const {
  if (settings_.sources.empty()) return net::dial(settings_.target, {});
  return dial_from(settings_.sources[number % settings_.sources.size()], settings_.target);
}

void MqttModel::dial(std::uint32_t number, base::Time counted_from) {
  dialled_ = std::max(dialled_, number + 1);
  const auto fd = open_socket(number);
  if (!fd) {
    tally_.fail(failure_of(fd.error()));
    return on_gone(number, Client::State::dialling);
  }
  const base::Key key = slab_.add();
  Client& client = slab_[key.index];
  client.transport = net::Transport(*fd);
  client.number = number;
  client.counted_from = counted_from;
  ++greeting_;
  if (!loop_.watch(*fd, net::Token{source_, kClientPart, key})) return lose(key, Failure::exhausted);
  arm(key, settings_.timeout);
}

void MqttModel::finish_dialling(base::Key key, Client& client, net::Ready ready) {
  if (!ready.writable && !ready.broken) return;
  if (ready.broken) return lose(key, failure_of(client.transport.take_error()));
  client.state = Client::State::greeting;
  say_connect(key, client);
}

void MqttModel::say_connect(base::Key key, Client& client) {
  const std::string client_id = fmt::format("hf{}-{}", run_, client.number);
  wire::mqtt::Connect connect;
  connect.version = settings_.version;
  connect.client_id = client_id;
  connect.keep_alive = wire::mqtt::Seconds(static_cast<std::uint32_t>(settings_.keep_alive.count()));
  if (!settings_.user.empty()) connect.user_name = settings_.user;
  if (!settings_.password.empty()) connect.password = std::as_bytes(std::span(settings_.password));
  packet_.clear();
  if (!wire::mqtt::encode_connect(packet_, connect)) return lose(key, Failure::other);
  (void)write(key, client, packet_);
}

void MqttModel::become_ready(base::Key key, Client& client) {
  --greeting_;
  client.state = Client::State::ready;
  timers_.cancel(key.index);
  if (settings_.keep_alive.count() != 0) arm(key, settings_.keep_alive);
  on_welcome(key, client);
}

// --- events ---

void MqttModel::on_ready(net::Token token, net::Ready ready) {
  if (token.part == kPacerPart) {
    on_pace();
  } else {
    serve(token.key, ready);
  }
  settle_event();
}

void MqttModel::on_resume(net::Token token) {
  Client* client = slab_.find(token.key);
  if (client == nullptr) return;
  client->resuming = false;
  read_some(token.key, *client, net::Ready{.readable = true, .writable = false, .hangup = true});
  settle_event();
}

void MqttModel::settle_event() {
  after_event();
  fill();
}

// One event may tell that a connection stands, has something to read and has ended; so look again after each step.
void MqttModel::serve(base::Key key, net::Ready ready) {
  Client* client = slab_.find(key);
  if (client != nullptr && client->state == Client::State::dialling) {
    finish_dialling(key, *client, ready);
    client = slab_.find(key);
  }
  if (client == nullptr || client->state == Client::State::dialling) return;
  if (ready.readable || ready.hangup || ready.broken) read_some(key, *client, ready);
  client = slab_.find(key);
  if (client != nullptr && ready.writable) flush(key, *client);
}

void MqttModel::arm(base::Key key, base::Duration from_now) {
  timers_.arm(key.index, base::Tick::not_before(base::Clock::now() + from_now));
}

void MqttModel::on_deadline(std::uint32_t index) {
  const base::Key key = slab_.key_of(index);
  Client& client = slab_[index];
  if (client.state != Client::State::ready) {
    lose(key, Failure::timeout);
    return settle_event();
  }
  arm(key, settings_.keep_alive);
  packet_.clear();
  wire::mqtt::encode_pingreq(packet_);
  if (client.unsent.empty()) (void)write(key, client, packet_);
  settle_event();
}

void MqttModel::lose(base::Key key, Failure failure) {
  tally_.fail(failure);
  drop(key);
}

void MqttModel::drop(base::Key key) {
  Client& client = slab_[key.index];
  const std::uint32_t number = client.number;
  const Client::State state = client.state;
  timers_.cancel(key.index);
  pool_.release(client.unsent);
  pool_.release(client.partial);
  client.transport.close();
  if (state != Client::State::ready) --greeting_;
  if (state == Client::State::ready || state == Client::State::subscribing) --tally_.open;
  slab_.remove(key);
  on_gone(number, state);
}

void MqttModel::disconnect(base::Key key) {
  packet_.clear();
  (void)wire::mqtt::encode_disconnect(packet_, {}, settings_.version);
  if (write(key, slab_[key.index], packet_)) drop(key);
}

// --- writing ---

bool MqttModel::write(base::Key key, Client& client, std::span<const std::byte> bytes) {
  if (client.unsent.empty()) {
    const net::IoResult put = client.transport.write(bytes);
    if (put.status == net::IoStatus::failed) return refuse(key, failure_of(put.error));
    bytes = bytes.subspan(put.bytes);
  }
  if (bytes.empty() || pool_.append(client.unsent, bytes)) return true;
  return refuse(key, Failure::exhausted);
}

void MqttModel::flush(base::Key key, Client& client) {
  if (client.unsent.empty()) return;
  while (!client.unsent.empty()) {
    std::array<iovec, 16> pieces;
    const std::size_t used = pool_.peek(client.unsent, pieces);
    const net::IoResult put = client.transport.write(std::span<const iovec>(pieces).first(used));
    if (put.status == net::IoStatus::failed) return lose(key, failure_of(put.error));
    if (put.status != net::IoStatus::ok) return;
    pool_.consume(client.unsent, put.bytes);
  }
  if (client.state == Client::State::ready) on_writable(key, client);
}

void MqttModel::append_message(wire::mqtt::Bytes& out, std::string_view topic, std::uint16_t packet_id,
                               const MqttStamp& stamp) {
  wire::mqtt::PublishHead head;
  head.version = settings_.version;
  head.qos = settings_.qos;
  head.packet_id = packet_id;
  head.topic = topic;
  write_stamp(filler_, stamp);
  if (!wire::mqtt::encode_publish_head(out, head, filler_.size())) std::abort();  // topic and size are bounded
  out.insert(out.end(), filler_.begin(), filler_.end());
}

// --- reading ---

void MqttModel::take_out(net::BufferChain& chain, std::span<std::byte> into) {
  while (!chain.empty()) {
    std::array<iovec, 16> pieces;
    std::size_t taken = 0;
    for (const iovec& piece : std::span(pieces).first(pool_.peek(chain, pieces))) {
      std::memcpy(into.data() + taken, piece.iov_base, piece.iov_len);
      taken += piece.iov_len;
    }
    pool_.consume(chain, taken);
    into = into.subspan(taken);
  }
}

void MqttModel::read_some(base::Key key, Client& client, net::Ready ready) {
  for (int i = 0; i < kReadsPerEvent; ++i) {
    const std::size_t held = client.partial.bytes;
    const auto room = std::span(incoming_).subspan(held);
    const net::IoResult got = client.transport.read(room);
    if (got.status == net::IoStatus::again) return;
    if (got.status != net::IoStatus::ok) return lose(key, failure_of(got.error));
    arrived_ = base::Clock::now();
    take_out(client.partial, incoming_);
    const auto bytes = std::span<const std::byte>(incoming_).first(held + got.bytes);
    const auto used = handle_packets(key, bytes);
    if (!used) return;
    if (*used < bytes.size() && !pool_.append(client.partial, bytes.subspan(*used))) {
      return lose(key, Failure::exhausted);
    }
    if (!replies_.empty() && !write(key, client, replies_)) return;
    if (got.bytes < room.size() && !ready.hangup && !ready.broken) return;
  }
  if (!std::exchange(client.resuming, true)) loop_.resume(net::Token{source_, kClientPart, key});
}

std::optional<std::size_t> MqttModel::handle_packets(base::Key key, std::span<const std::byte> bytes) {
  std::size_t used = 0;
  replies_.clear();
  while (used < bytes.size()) {
    const auto rest = bytes.subspan(used);
    const wire::mqtt::HeaderRead read = wire::mqtt::read_header(rest);
    if (read.status == wire::mqtt::HeaderStatus::more) break;
    if (read.status != wire::mqtt::HeaderStatus::ok || read.header.packet_bytes() > packet_bytes_max_) {
      lose(key, Failure::wrong_reply);
      return std::nullopt;
    }
    if (read.header.packet_bytes() > rest.size()) break;
    const wire::mqtt::Body body = rest.subspan(read.header.header_bytes, read.header.body_bytes);
    if (!handle_packet(key, slab_[key.index], read.header, body)) return std::nullopt;
    used += read.header.packet_bytes();
  }
  return used;
}

bool MqttModel::refuse(base::Key key, Failure failure) {
  if (slab_.find(key) != nullptr) lose(key, failure);
  return false;
}

// False when the client is no more.
bool MqttModel::handle_packet(base::Key key, Client& client, const Header& header, wire::mqtt::Body body) {
  using State = Client::State;
  if (client.state == State::greeting) return handle_connack(key, client, header, body);
  switch (header.type) {
    case PacketType::publish: return handle_publish(key, client, header, body);
    case PacketType::puback:
    case PacketType::pubrec:
    case PacketType::pubrel:
    case PacketType::pubcomp: return handle_ack(key, client, header, body);
    case PacketType::suback:
      return client.state == State::subscribing ? handle_suback(key, client, header, body)
                                                : refuse(key, Failure::wrong_reply);
    case PacketType::pingresp: on_pong(key, client); return slab_.find(key) != nullptr;
    case PacketType::disconnect: return refuse(key, Failure::ended);
    default: return refuse(key, Failure::wrong_reply);
  }
}

bool MqttModel::handle_connack(base::Key key, Client& client, const Header& header, wire::mqtt::Body body) {
  wire::mqtt::Connack connack;
  if (header.type != PacketType::connack ||
      wire::mqtt::decode_connack(header, body, settings_.version, connack) != nullptr) {
    return refuse(key, Failure::wrong_reply);
  }
  if (connack.reason != Reason::success) return refuse(key, Failure::rejected);
  ++tally_.opened;
  ++tally_.open;
  client.state = Client::State::subscribing;
  if (v5()) client.receive_maximum = connack.properties.receive_maximum;
  const std::string filter = filter_of(client.number);
  if (filter.empty()) {
    become_ready(key, client);
    return slab_.find(key) != nullptr;
  }
  wire::mqtt::Bytes encoded;
  wire::mqtt::Subscribe subscribe;
  subscribe.packet_id = 1;
  if (!wire::mqtt::append_filter(encoded, filter, {.qos = settings_.qos})) return refuse(key, Failure::other);
  subscribe.filters = {encoded, wire::mqtt::FilterList::Kind::with_options};
  if (!wire::mqtt::encode_subscribe(replies_, subscribe, settings_.version)) return refuse(key, Failure::other);
  return true;
}

bool MqttModel::handle_suback(base::Key key, Client& client, const Header& header, wire::mqtt::Body body) {
  wire::mqtt::Suback suback;
  if (wire::mqtt::decode_suback(header, body, settings_.version, suback) != nullptr || suback.packet_id != 1 ||
      suback.codes.size() != 1) {
    return refuse(key, Failure::wrong_reply);
  }
  if (static_cast<std::uint8_t>(suback.code(0)) != static_cast<std::uint8_t>(settings_.qos)) {
    return refuse(key, Failure::rejected);
  }
  become_ready(key, client);
  return slab_.find(key) != nullptr;
}

bool MqttModel::handle_publish(base::Key key, Client& client, const Header& header, wire::mqtt::Body body) {
  wire::mqtt::Publish publish;
  if (wire::mqtt::decode_publish(header, body, settings_.version, wire::mqtt::Sender::server, publish) != nullptr ||
      publish.payload.size() != settings_.message_bytes || !on_message(key, client, publish)) {
    return refuse(key, Failure::wrong_reply);
  }
  if (publish.qos == Qos::at_most_once) return true;
  const PacketType answer = publish.qos == Qos::at_least_once ? PacketType::puback : PacketType::pubrec;
  wire::mqtt::encode_ack(replies_, answer, publish.packet_id, Reason::success, settings_.version);
  return true;
}

bool MqttModel::handle_ack(base::Key key, Client& client, const Header& header, wire::mqtt::Body body) {
  wire::mqtt::Ack ack;
  if (wire::mqtt::decode_ack(header, body, settings_.version, ack) != nullptr) {
    return refuse(key, Failure::wrong_reply);
  }
  if (ack.type == PacketType::pubrel) {
    wire::mqtt::encode_ack(replies_, PacketType::pubcomp, ack.packet_id, Reason::success, settings_.version);
    return true;
  }
  return on_ack(key, client, ack) || refuse(key, Failure::wrong_reply);
}

}  // namespace holdfast::load
