#include "demo_servers.h"

#include <boost/asio.hpp>
#include <vector>

namespace holdfast::app {

namespace asio = boost::asio;
using asio::ip::tcp;

struct DemoServer::State {
  State(control::Runtime& from, std::string server_name)
      : runtime(from),
        name(std::move(server_name)),
        acceptor(from.context(), tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {}

  control::Runtime& runtime;
  std::string name;
  tcp::acceptor acceptor;
  std::vector<control::Job> sessions;
};

namespace {

constexpr std::size_t kLineBytesMax = 4096;
constexpr auto kNoThrow = asio::as_tuple(asio::use_awaitable);

control::Task<> answer_lines(tcp::socket socket, std::string name) {
  std::string input;
  for (;;) {
    const auto [read_error, size] =
        co_await asio::async_read_until(socket, asio::dynamic_buffer(input, kLineBytesMax), '\n', kNoThrow);
    if (read_error) co_return;
    const std::string reply = name + ": " + input.substr(0, size);
    input.erase(0, size);
    const auto [write_error, written] = co_await asio::async_write(socket, asio::buffer(reply), kNoThrow);
    if (write_error) co_return;
  }
}

}  // namespace

control::Task<> DemoServer::accept_clients(std::shared_ptr<State> state) {
  for (;;) {
    auto [error, socket] = co_await state->acceptor.async_accept(kNoThrow);
    if (error) co_return;
    std::erase_if(state->sessions, [](const control::Job& job) { return job.done(); });
    state->sessions.push_back(state->runtime.spawn("demo session", answer_lines(std::move(socket), state->name)));
  }
}

DemoServer::DemoServer(control::Runtime& runtime, std::string name)
    : state_(std::make_shared<State>(runtime, std::move(name))),
      accepting_(runtime.spawn("demo server", accept_clients(state_))) {}

DemoServer::~DemoServer() {
  if (state_) state_->sessions.clear();
}

DemoServer::DemoServer(DemoServer&&) noexcept = default;

const std::string& DemoServer::name() const { return state_->name; }

std::string DemoServer::address() const {
  return "127.0.0.1:" + std::to_string(state_->acceptor.local_endpoint().port());
}

}  // namespace holdfast::app
