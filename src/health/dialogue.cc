#include "health/dialogue.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio.hpp>
#include <cerrno>
#include <cstdlib>
#include <optional>

#include "base/time.h"
#include "base/units.h"

namespace holdfast::health {
namespace asio = boost::asio;
namespace {

using Protocol = asio::generic::stream_protocol;
using ErrorCode = Dialogue::ErrorCode;

constexpr std::size_t kReadBytes = 4096;
constexpr std::chrono::milliseconds kLateMax{50};  // beyond this it is the control thread that was late

auto into(ErrorCode& error) { return asio::redirect_error(asio::use_awaitable, error); }

ErrorCode last_error() { return {errno, boost::system::system_category()}; }

// None for a host name, and for what is no address.
std::optional<Protocol::endpoint> address_of(const base::Endpoint& endpoint) {
  if (endpoint.kind == base::Endpoint::Kind::host_name) return std::nullopt;
  if (endpoint.kind == base::Endpoint::Kind::unix_path) return asio::local::stream_protocol::endpoint(endpoint.host);
  ErrorCode not_an_address;
  const asio::ip::address address = asio::ip::make_address(endpoint.host, not_an_address);
  if (not_an_address) return std::nullopt;
  return asio::ip::tcp::endpoint(address, endpoint.port);
}

// What this process or this machine lacks, rather than the server.
bool is_our_own(const ErrorCode& error) {
  constexpr int kOwn[] = {EMFILE, ENFILE, ENOMEM, ENOBUFS, EADDRNOTAVAIL, EAFNOSUPPORT};
  if (error == asio::error::host_not_found) return true;
  return error.category() == boost::system::system_category() && std::ranges::count(kOwn, error.value()) > 0;
}

// Where nobody listens at a port of this machine that clients get too, a connection may happen to meet itself: both
// ends open at once (RFC 9293 3.5).
bool is_own_end(const Dialogue::Socket& socket) {
  ErrorCode error;
  const Protocol::endpoint local = socket.local_endpoint(error);
  return !error && local.protocol().family() != AF_UNIX && local == socket.remote_endpoint(error);
}

// "connection refused": as the system says it, but in the middle of a sentence.
std::string text_of(const ErrorCode& error) {
  if (error == asio::error::eof || error == asio::error::broken_pipe) return "closed";
  if (error == asio::error::host_not_found) return "no address is known";
  if (error == asio::error::try_again) return "the server's queue of new connections is full";
  std::string text = error.message();
  if (!text.empty() && text.front() >= 'A' && text.front() <= 'Z') text.front() = static_cast<char>(text.front() + 32);
  return text;
}

}  // namespace

std::shared_ptr<Dialogue> Dialogue::begin(asio::any_io_executor executor, std::chrono::microseconds timeout) {
  std::shared_ptr<Dialogue> dialogue(new Dialogue(std::move(executor), timeout));
  dialogue->wait_for_expiry();
  return dialogue;
}

Dialogue::Dialogue(asio::any_io_executor executor, std::chrono::microseconds timeout)
    : socket_(executor), timer_(executor, timeout), timeout_(timeout) {}

Dialogue::~Dialogue() {
  if (unanswered_ && !error_) {
    close_in_order();
  } else {
    reset();
  }
}

void Dialogue::wait_for_expiry() {
  timer_.async_wait([weak = weak_from_this()](const ErrorCode& error) {
    const std::shared_ptr<Dialogue> self = weak.lock();
    if (self != nullptr && !error) self->on_expiry();
  });
}

void Dialogue::on_expiry() {
  const auto late = base::Clock::now() - timer_.expiry();
  if (late > kLateMax && !extended_) {
    extended_ = true;
    timer_.expires_after(std::min<base::Duration>(late, timeout_));
    return wait_for_expiry();
  }
  expired_ = true;
  reset();
}

control::Task<bool> Dialogue::connect(base::Endpoint endpoint) {
  const std::optional<Protocol::endpoint> address = address_of(endpoint);
  if (!address) co_return settle(asio::error::host_not_found);
  const ErrorCode started = start_connect(*address);
  if (started && started != asio::error::in_progress) co_return settle(started);
  ErrorCode error;
  co_await socket_.async_wait(Socket::wait_write, into(error));
  int result = 0;
  socklen_t length = sizeof result;
  if (!error && ::getsockopt(socket_.native_handle(), SOL_SOCKET, SO_ERROR, &result, &length) == 0 && result != 0) {
    error = ErrorCode(result, boost::system::system_category());
  }
  if (!error && is_own_end(socket_)) error = asio::error::connection_refused;
  connected_ = settle(error);
  co_return connected_;
}

// Not by Asio's connect, which takes the EAGAIN of a unix socket whose queue is full for a connection on its way.
ErrorCode Dialogue::start_connect(const Protocol::endpoint& address) {
  const Protocol protocol = address.protocol();
  const int fd = ::socket(protocol.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return last_error();
  ErrorCode error;
  socket_.assign(protocol, fd, error);
  if (error) {
    ::close(fd);
    return error;
  }
  if (protocol.family() != AF_UNIX) socket_.set_option(asio::ip::tcp::no_delay(true), error);
  if (::connect(fd, address.data(), static_cast<socklen_t>(address.size())) != 0) return last_error();
  return {};
}

control::Task<bool> Dialogue::send(std::string bytes) {
  if (bytes.empty()) co_return true;
  ErrorCode error;
  co_await asio::async_write(socket_, asio::buffer(bytes), into(error));
  co_return sent(error);
}

control::Task<bool> Dialogue::receive() {
  const std::size_t before = received_.size();
  if (before >= kReceivedBytesMax) std::abort();
  received_.resize(std::min(before + kReadBytes, kReceivedBytesMax));
  ErrorCode error;
  const auto space = asio::buffer(received_.data() + before, received_.size() - before);
  const std::size_t size = co_await socket_.async_read_some(space, into(error));
  received_.resize(before + size);
  co_return heard(error);
}

bool Dialogue::sent(ErrorCode error) {
  unanswered_ = true;
  return settle(error);
}

bool Dialogue::heard(ErrorCode error) {
  unanswered_ = unanswered_ && error;
  return settle(error);
}

bool Dialogue::settle(ErrorCode error) {
  if (error == asio::error::operation_aborted && !expired_) throw boost::system::system_error(error);
  error_ = expired_ ? asio::error::timed_out : error;
  return !error_;
}

bool Dialogue::is_closed() const noexcept { return !expired_ && error_ == asio::error::eof; }

Outcome Dialogue::failure(std::string_view where) const {
  Outcome outcome;
  if (expired_) {
    outcome.reason = fmt::format("timeout after {} {}", base::to_text(timeout_), where);
    return outcome;
  }
  outcome.asked = !is_our_own(error_);
  outcome.reason = outcome.asked ? text_of(error_) : "cannot ask: " + text_of(error_);
  if (connected_) outcome.reason += fmt::format(" {}", where);
  return outcome;
}

void Dialogue::reset() noexcept {
  ErrorCode ignored;
  if (!socket_.is_open()) return;
  socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  socket_.close(ignored);
}

// With bytes in our socket that nobody has read, close() would be a reset after all.
void Dialogue::close_in_order() noexcept {
  ErrorCode ended;
  if (!socket_.is_open()) return;
  socket_.shutdown(Socket::shutdown_send, ended);
  received_.resize(kReadBytes);
  ssize_t size = 1;
  for (std::size_t total = 0; size > 0 && total < kReceivedBytesMax; total += kReadBytes) {
    size = ::recv(socket_.native_handle(), received_.data(), received_.size(), MSG_DONTWAIT);
  }
  socket_.close(ended);
}

}  // namespace holdfast::health
