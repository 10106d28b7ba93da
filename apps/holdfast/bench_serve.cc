// holdfast bench serve: the other end of a measurement: an echo server, a sink or a source.
#include <fmt/format.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "bench.h"
#include "load/server.h"
#include "net/descriptors.h"

namespace holdfast::app {
namespace {

struct ServeOptions {
  std::vector<std::string> bind{"127.0.0.1:0"};
  load::Service service = load::Service::echo;
  std::uint32_t threads = 1;
};

// One thread of `serve`. All of them listen at the same addresses.
struct Desk {
  explicit Desk(load::Service service) : server(loop, service) {}
  net::Loop loop;
  load::Server server;
  std::thread thread;
};

// Listens at every address; where one asked for port 0, `addresses` then has the port it got.
base::Result<void> open_desk(Desk& desk, std::vector<net::SocketAddress>& addresses) {
  for (net::SocketAddress& address : addresses) {
    const auto local = desk.server.listen(address);
    if (!local) return local.error();
    address = *local;
  }
  return {};
}

std::string ready_line(const std::vector<net::SocketAddress>& addresses) {
  std::string list;
  for (const net::SocketAddress& address : addresses) {
    list += fmt::format("{}\"{}\"", list.empty() ? "" : ",", address.text());
  }
  return fmt::format("{{\"ready\":true,\"addresses\":[{}]}}", list);
}

void wait_for_interrupt(const net::Fd& interrupt) {
  signalfd_siginfo info{};
  [[maybe_unused]] const auto got = ::read(interrupt.get(), &info, sizeof info);
}

int serve(const ServeOptions& options) {
  std::vector<net::SocketAddress> addresses;
  for (const std::string& text : options.bind) {
    const auto address = address_of(text);
    if (!address) return fail(kUsageOrFaults, fmt::format("--bind {} is not an address", text));
    addresses.push_back(*address);
  }
  const auto descriptors = net::grow_descriptor_table();
  if (!descriptors) return fail(kFailed, descriptors.error().text());
  const net::Fd interrupt = open_interrupt();
  std::vector<std::unique_ptr<Desk>> desks;
  for (std::uint32_t i = 0; i < options.threads; ++i) {
    const auto opened = open_desk(*desks.emplace_back(std::make_unique<Desk>(options.service)), addresses);
    if (!opened) return fail(kFailed, opened.error().text());
  }
  for (const auto& desk : desks) desk->thread = std::thread([&loop = desk->loop] { loop.run([] {}); });
  print_line(stdout, ready_line(addresses));
  wait_for_interrupt(interrupt);
  for (const auto& desk : desks) {
    desk->loop.stop();
    desk->thread.join();
  }
  return kDone;
}

}  // namespace

void add_bench_serve(CLI::App& bench, int& exit_status) {
  auto options = std::make_shared<ServeOptions>();
  CLI::App* const command = bench.add_subcommand("serve", "the other end: echo, sink or source");
  command->add_option("--bind", options->bind, "address to listen at; port 0 is reported in the ready line")
      ->type_name("ADDRESS")
      ->capture_default_str();
  const std::map<std::string, load::Service> services = {
      {"echo", load::Service::echo}, {"sink", load::Service::sink}, {"source", load::Service::source}};
  command->add_option("--mode", options->service, "echo: sends back; sink: discards; source: sends as fast as it goes")
      ->transform(CLI::CheckedTransformer(services).description("echo, sink, source"))
      ->default_str("echo");
  command->add_option("--threads", options->threads, "threads")->check(CLI::Range(1, 64))->capture_default_str();
  command->callback([options, &exit_status] { exit_status = serve(*options); });
}

}  // namespace holdfast::app
