#include "gateway/gateway.h"

#include <algorithm>
#include <random>
#include <stdexcept>
#include <thread>

#include "base/log.h"

namespace holdfast::gateway {
namespace {

constexpr std::size_t kNoticesMax = 8192;
constexpr std::chrono::milliseconds kDrainLook{20};
constexpr std::chrono::seconds kPortsLook{10};  // operators change the range of a running machine

std::size_t worker_count(std::uint32_t configured) {
  return configured > 0 ? configured : std::max(1U, std::thread::hardware_concurrency());
}

net::TcpOptions tcp_options(const config::Listener& listener) {
  return {std::chrono::ceil<std::chrono::seconds>(listener.tcp_keepalive),
          config::milliseconds(listener.tcp_user_timeout)};
}

std::vector<std::string> names_of(const std::vector<config::Listener>& listeners) {
  std::vector<std::string> names;
  for (const config::Listener& listener : listeners) names.push_back(listener.name);
  return names;
}

// Unique over the processes of a machine: they count on from the wall-clock time in microseconds. Below 2^53 until the
// year 2255, so that readers of JSON that only know floating point see them whole.
std::uint64_t first_connection_id() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

policy::HashSeed random_seed() {
  std::random_device device;
  const auto word = [&device] { return std::uint64_t{device()} << 32 | device(); };
  return {word(), word()};
}

template <typename T>
T demand(base::Result<T> result, const std::string& what) {
  if (!result) throw std::runtime_error(what + ": " + result.error().text());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

}  // namespace

Gateway::Gateway(control::Runtime& runtime, const config::Settings& settings, std::uint64_t descriptor_limit,
                 Verbosity verbosity)
    : runtime_(runtime),
      directory_(runtime, settings.pools, settings.node.data_dir),
      descriptors_(descriptor_limit),
      local_ports_(net::local_ports()),
      log_(names_of(settings.listeners), directory_.slots()),
      wakeup_(runtime, [this] { notices_.take([this](const Notice& notice) { hear(notice); }); }),
      notices_(kNoticesMax, wakeup_) {
  make_rules(settings);
  make_workers(worker_count(settings.node.workers), verbosity);
  for (std::uint16_t number = 0; number < listeners_.size(); ++number) {
    for (const base::Endpoint& endpoint : listeners_[number].settings.bind) bind(listeners_[number], number, endpoint);
  }
  if (!descriptors_.take(static_cast<std::int64_t>(sockets_.size() + 2 * workers_.size()))) {
    throw std::runtime_error("file descriptors: the limit of the process (LimitNOFILE) is too low to serve anybody");
  }
}

// Workers end their connections on the way out; what they said of it is still written.
Gateway::~Gateway() {
  for (const auto& worker : workers_) worker->stop();
  workers_.clear();
  notices_.take([this](const Notice& notice) { log_.write(notice); });
}

void Gateway::hear(const Notice& notice) {
  log_.write(notice);
  directory_.take(notice);
}

// From now on the kernel refuses; a socket that nobody accepts from is a trap. The files of unix sockets go now, not
// when the last connection has ended: by then they may be a successor's.
void Gateway::stop_listening() {
  unix_paths_.clear();
  sockets_.clear();
}

void Gateway::make_rules(const config::Settings& settings) {
  if (settings.node.max_connections > 0) process_.max_connections = settings.node.max_connections;
  const policy::HashSeed seed = random_seed();
  for (const config::Listener& from : settings.listeners) {
    Listener& listener = listeners_.emplace_back(from, process_, seed);
    ListenerRules rules;
    while (settings.pools.at(rules.pool).name != from.pool) ++rules.pool;  // config has seen to it that there is one
    rules.proxy_protocol = from.proxy_protocol;
    rules.proxy_protocol_timeout = config::milliseconds(from.proxy_protocol_timeout);
    rules.handshake_timeout = config::milliseconds(from.handshake_timeout);
    rules.idle_timeout = config::milliseconds(from.idle_timeout);
    rules.max_age = config::milliseconds(from.max_age);
    rules.max_age_jitter = from.max_age_jitter;
    rules.tcp = tcp_options(from);
    rules.admission = &listener.admission;
    rules_.push_back(rules);
  }
}

void Gateway::make_workers(std::size_t count, Verbosity verbosity) {
  worker_counters_ = std::vector<WorkerCounters>(count);
  for (std::size_t i = 0; i < count; ++i) listener_counters_.emplace_back(listeners_.size());
  wakers_.resize(count);
  const std::uint64_t first_id = first_connection_id();  // once: a later clock would undo the workers' numbers
  for (std::size_t i = 0; i < count; ++i) {
    const auto number = static_cast<std::uint16_t>(i);
    workers_.push_back(std::make_unique<Worker>(WorkerContext{.number = number,
                                                              .listeners = rules_,
                                                              .listener_counters = listener_counters_[i],
                                                              .counters = &worker_counters_[i],
                                                              .servers = &directory_.slots(),
                                                              .pools = &directory_.pools(),
                                                              .descriptors = &descriptors_,
                                                              .notices = &notices_,
                                                              .workers = wakers_,
                                                              .local_ports = &local_ports_,
                                                              .verbosity = verbosity,
                                                              .first_id = first_id + i,
                                                              .id_step = count}));
    wakers_[i] = &workers_[i]->waker();
  }
  directory_.wake_on_change(wakers_);
}

void Gateway::bind(Listener& listener, std::uint16_t number, const base::Endpoint& endpoint) {
  const std::string what = "listener " + listener.settings.name + ": " + endpoint.text();
  net::SocketAddress address = demand(net::SocketAddress::from(endpoint), what);
  const net::TcpOptions options = tcp_options(listener.settings);
  const bool shared = address.is_unix() || workers_.size() == 1;
  if (!shared) demand(net::check_unused(address), what);
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    if (i == 0 || !shared) {
      const auto sharing = shared ? net::Sharing::alone : net::Sharing::reuse_port;
      sockets_.push_back(demand(net::open_listener(address, options, sharing), what));
      address = demand(net::SocketAddress::local_of(sockets_.back().get()), what);  // port 0 is a real one now
    }
    const auto how = shared && workers_.size() > 1 ? net::Loop::Watch::shared : net::Loop::Watch::both_ways;
    demand(workers_[i]->listen(sockets_.back().get(), number, how), what);
  }
  if (address.is_unix()) unix_paths_.push_back(std::make_unique<control::UnixPathOwner>(endpoint));
  listener.bound.push_back(address);
}

void Gateway::start(std::function<void()> on_ready) {
  directory_.open([this, on_ready = std::move(on_ready)] {
    if (on_drained_) return;  // told to stop before it began
    started_ = true;
    ports_ticker_ =
        std::make_unique<control::Ticker>(runtime_, kPortsLook, [this] { local_ports_ = net::local_ports(); });
    tell_descriptors();
    for (const auto& worker : workers_) worker->start();
    on_ready();
  });
}

// Better told at the start than met at the peak; but the default of max_connections is more than many machines allow.
void Gateway::tell_descriptors() const {
  std::int64_t most = 0;
  for (const Listener& listener : listeners_) most = std::max<std::int64_t>(most, listener.settings.max_connections);
  most = std::min<std::int64_t>(most, process_.max_connections);
  const std::int64_t room = descriptors_.free() / 2;
  if (most <= room) return;
  base::log_info(
      "there are descriptors for fewer connections than a listener may have; then accepting pauses: raise the limit "
      "(LimitNOFILE) or lower max_connections",
      {{"max_connections", most}, {"descriptors_for", room}});
}

void Gateway::drain(std::chrono::milliseconds timeout, std::function<void(std::uint64_t)> on_drained) {
  on_drained_ = std::move(on_drained);
  if (!started_) {
    stop_listening();
    return on_drained_(0);
  }
  drain_deadline_ = base::Clock::now() + timeout;
  for (const auto& worker : workers_) worker->command(Worker::Command::stop_accepting);
  drain_ticker_ = std::make_unique<control::Ticker>(runtime_, kDrainLook, [this] { check_drained(); });
}

void Gateway::check_drained() {
  const bool accepting = std::ranges::any_of(workers_, [](const auto& worker) { return worker->accepting(); });
  if (!accepting) stop_listening();
  const std::uint64_t live = connections();
  const bool late = base::Clock::now() >= drain_deadline_;
  if (!late && (accepting || live > 0)) return;
  for (const auto& worker : workers_) worker->command(Worker::Command::end_all);
  const auto on_drained = on_drained_;
  drain_ticker_.reset();
  on_drained(live);
}

std::uint64_t Gateway::connections() const {
  std::uint64_t sum = 0;
  for (const Listener& listener : listeners_) sum += listener.admission.connections();
  return sum;
}

Status Gateway::status() const {
  Status status;
  for (std::size_t i = 0; i < listeners_.size(); ++i) status.listeners.push_back(status_of(i));
  status.pools = directory_.status();
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    const WorkerCounters& counters = worker_counters_[i];
    status.workers.push_back({.turns = workers_[i]->loop_counters().turns.value(),
                              .events = workers_[i]->loop_counters().events.value(),
                              .accept_paused = counters.accept_paused.value() != 0,
                              .accept_pauses = counters.accept_pauses.value(),
                              .relay_memory_bytes = static_cast<std::uint64_t>(counters.relay_memory_bytes.value()),
                              .buffer_memory_bytes = static_cast<std::uint64_t>(counters.buffer_memory_bytes.value())});
  }
  status.max_connections = process_.max_connections;
  status.local_ports = local_ports_.load().count();
  status.descriptors_free = descriptors_.free();
  status.notices_waiting = notices_.depth();
  status.notices_dropped = notices_.dropped();
  return status;
}

ListenerStatus Gateway::status_of(std::size_t listener) const {
  ListenerStatus status;
  status.name = listeners_[listener].settings.name;
  for (const net::SocketAddress& address : listeners_[listener].bound) status.addresses.push_back(address.text());
  status.max_connections = listeners_[listener].settings.max_connections;
  status.without_room = listeners_[listener].admission.without_room();
  status.connect_buckets.resize(ConnectHistogram::kBoundsSeconds.size() + 1);
  for (const auto& of_worker : listener_counters_) {
    const ListenerCounters& counters = of_worker[listener];
    status.connections += static_cast<std::uint64_t>(counters.connections.value());
    status.connections_total += counters.accepted.value();
    status.bytes_to_server += counters.bytes[0].value();
    status.bytes_to_client += counters.bytes[1].value();
    for (std::size_t i = 0; i < kCloseReasons; ++i) {
      status.closed[name(static_cast<CloseReason>(i))] += counters.closed[i].value();
    }
    for (std::size_t i = 0; i < kRefuseReasons; ++i) {
      status.refused[name(static_cast<RefuseReason>(i))] += counters.refused[i].value();
    }
    for (std::size_t i = 0; i < status.connect_buckets.size(); ++i) {
      status.connect_buckets[i] += counters.connect.buckets[i].value();
    }
    status.connect_seconds_sum += static_cast<double>(counters.connect.sum_us.value()) / 1e6;
  }
  return status;
}

}  // namespace holdfast::gateway
