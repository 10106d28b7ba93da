#include "mqtt/link.h"

#include <boost/asio.hpp>
#include <cerrno>
#include <cstring>
#include <utility>

#include "control/socket_address.h"

namespace holdfast::app {
namespace asio = boost::asio;
namespace mqtt = wire::mqtt;
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;

using Addresses = std::vector<Transport::Address>;

Addresses addresses_of(const base::Endpoint& endpoint, const control::Addresses& resolved) {
  Addresses addresses;
  for (const asio::ip::address& each : resolved) addresses.emplace_back(asio::ip::tcp::endpoint(each, endpoint.port));
  return addresses;
}

Addresses address_of(const base::Endpoint& endpoint) {
  const control::SocketAddress address = control::address_of(endpoint);
  return {Transport::Address(address.get(), address.length)};
}

}  // namespace

Link::Link(asio::io_context& context, Event& event, Target target, mqtt::Version version)
    : event_(event), target_(std::move(target)), version_(version), transport_(make_transport(context, target_)) {}

control::Task<> Link::open(std::shared_ptr<Link> self, control::ThreadPool& threads,
                           std::chrono::milliseconds timeout) {
  const base::Endpoint& endpoint = self->target_.endpoint;
  Addresses addresses;
  if (endpoint.kind == base::Endpoint::Kind::host_name) {
    const base::Result<control::Addresses> found = co_await control::resolve(threads, endpoint.host, timeout);
    if (!found) {
      self->finish(End::Kind::unreached,
                   found.error().code == base::Errc::not_found ? "there is no such name" : found.error().text());
      co_return;
    }
    addresses = addresses_of(endpoint, *found);
  } else {
    addresses = address_of(endpoint);
  }
  Opening opening;
  for (const Transport::Address& each : addresses) {
    opening = co_await self->transport_->open(each);
    if (!opening.error) break;
  }
  self->on_opened(opening);
}

void Link::on_opened(const Opening& opening) {
  if (opening.error) {
    const bool denied = opening.error.value() == EACCES || opening.error.value() == EPERM;
    return finish(denied ? End::Kind::not_allowed : End::Kind::unreached, opening.error.message());
  }
  if (!opening.what.empty()) return finish(End::Kind::not_websocket, opening.what);
  state_ = State::open;
  event_.set();
}

void Link::finish(End::Kind kind, std::string why) {
  state_ = State::ended;
  end_ = {kind, std::move(why)};
  event_.set();
}

std::optional<Link::Packet> Link::take(const mqtt::Fault*& fault) {
  if (state_ == State::opening) return std::nullopt;
  const std::span<const std::byte> there(in_.data() + taken_, filled_ - taken_);
  const mqtt::HeaderRead read_header = mqtt::read_header(there);
  fault = read_header.fault;
  if (read_header.status == mqtt::HeaderStatus::ok)
    fault = mqtt::check_header(read_header.header, version_, mqtt::Sender::server);
  if (fault != nullptr) return std::nullopt;
  const bool is_whole =
      read_header.status == mqtt::HeaderStatus::ok && there.size() >= read_header.header.packet_bytes();
  if (!is_whole) {
    read();
    return std::nullopt;
  }
  taken_ += read_header.header.packet_bytes();
  return Packet{read_header.header, there.subspan(read_header.header.header_bytes, read_header.header.body_bytes)};
}

void Link::read() {
  if (reading_ || state_ != State::open) return;
  std::memmove(in_.data(), in_.data() + taken_, filled_ - taken_);
  filled_ -= std::exchange(taken_, 0);
  if (in_.size() < filled_ + kReadBytes) in_.resize(std::max(filled_ + kReadBytes, filled_ * 2));
  reading_ = true;
  transport_->read_some(asio::buffer(in_.data() + filled_, in_.size() - filled_),
                        [self = shared_from_this()](const ErrorCode& error, std::size_t bytes) {
                          self->reading_ = false;
                          self->filled_ += bytes;
                          if (!error) return self->event_.set();
                          const bool orderly = error == asio::error::eof;
                          self->finish(orderly ? End::Kind::closed : End::Kind::lost, error.message());
                        });
}

// When it fails, reading fails soon as well, behind what the broker may have said about it.
void Link::flush() {
  if (!sending_.empty() || out_.empty() || state_ != State::open || write_failed_) return;
  std::swap(out_, sending_);
  transport_->write(asio::buffer(sending_), [self = shared_from_this()](const ErrorCode& error, std::size_t) {
    self->sending_.clear();
    self->write_failed_ = static_cast<bool>(error);
    self->flush();
    self->event_.set();
  });
}

}  // namespace holdfast::app
