// The life of a gateway and its status. The rest is in reconfiguring.cc and draining.cc.
#include "gateway/gateway.h"

#include <algorithm>
#include <stdexcept>
#include <thread>
#include <utility>

#include "base/log.h"
#include "entry/connection_ids.h"

namespace holdfast::gateway {
namespace {

constexpr std::size_t kNoticesMax = 8192;
constexpr std::chrono::milliseconds kTick{100};
constexpr std::chrono::seconds kPortsLook{10};  // operators change the range of a running machine

const char* name_of(KnownListener::State state) {
  switch (state) {
    case KnownListener::State::accepting: return "accepting";
    case KnownListener::State::draining: return "draining";
    case KnownListener::State::leaving: break;
  }
  return "leaving";
}

void add_counters(ListenerStatus& status, const ListenerCounters& counters) {
  status.connections += static_cast<std::uint64_t>(counters.connections.value());
  status.connections_total += counters.accepted.value();
  status.bytes_to_server += counters.bytes[0].value();
  status.bytes_to_client += counters.bytes[1].value();
  for (std::size_t i = 0; i < kCloseReasons; ++i) {
    status.closed[name(static_cast<CloseReason>(i))] += counters.closed[i].value();
  }
  for (std::size_t i = 0; i < entry::kRefuseReasons; ++i) {
    status.refused[name(static_cast<entry::RefuseReason>(i))] += counters.refused[i].value();
  }
  for (std::size_t i = 0; i < status.connect_buckets.size(); ++i) {
    status.connect_buckets[i] += counters.connect.buckets[i].value();
  }
  status.connect_seconds_sum += static_cast<double>(counters.connect.sum_us.value()) / 1e6;
}

}  // namespace

Gateway::Gateway(control::Runtime& runtime, const config::Settings& settings, net::DescriptorBudget& descriptors,
                 entry::ProcessLimit& process, Verbosity verbosity)
    : runtime_(runtime),
      verbosity_(verbosity),
      seed_(base::random_sip_key()),
      first_id_(entry::first_connection_id()),
      process_(process),
      descriptors_(descriptors),
      directory_(runtime, settings.pools, kWorkersMax, settings.node.data_dir),
      local_ports_(net::local_ports()),
      settings_(settings),
      snapshot_(std::make_shared<const Listeners>()),
      log_(directory_.slots()),
      wakeup_(runtime, [this] { notices_.take([this](const Notice& notice) { hear(notice); }); }),
      notices_(kNoticesMax, wakeup_),
      searches_(runtime, searched_world()) {
  readers_.reserve(kWorkersMax);  // who has a view of them keeps it
  Prepared plan(settings, RuntimeChanges::drop, descriptors_);
  plan_workers(plan);
  plan_listeners(plan);
  commit(plan);
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

std::unique_ptr<Worker> Gateway::make_worker(std::size_t number) {
  return std::make_unique<Worker>(WorkerContext{.number = static_cast<std::uint16_t>(number),
                                                .listeners = &snapshot_,
                                                .servers = &directory_.slots(),
                                                .pools = &directory_.pools(),
                                                .descriptors = &descriptors_,
                                                .notices = &notices_,
                                                .scan_results = &searches_.results(),
                                                .workers = &wakers_,
                                                .local_ports = &local_ports_,
                                                .first_id = first_id_ + number});
}

void Gateway::add_worker(std::unique_ptr<Worker> worker) {
  listeners_.for_each([](KnownListener& listener) { listener.slot->add_worker(); });
  wakers_.add(worker->waker());
  readers_.push_back(&worker->waker());
  directory_.wake_on_change(readers_);
  if (started_) worker->start();
  workers_.push_back(std::move(worker));
}

ConnectionSearches::World Gateway::searched_world() {
  return {
      .pools = directory_.pools(),
      .servers = directory_.slots(),
      .listener_names =
          [this] {
            std::vector<std::string> names(listeners_.size());
            std::as_const(listeners_).for_each([&](const KnownListener& each) { names[each.number] = each.name(); });
            return names;
          },
      .send =
          [this](const std::shared_ptr<const ScanOrder>& order) {
            for (const auto& worker : workers_) worker->search(order);
            return workers_.size();
          }};
}

bool Gateway::has_listener(const std::string& name) { return listeners_.find(name) != nullptr; }

std::optional<KnownListener::State> Gateway::state_of(const std::string& name) const {
  const KnownListener* known = listeners_.find(name);
  return known == nullptr ? std::nullopt : std::optional(known->state);
}

void Gateway::set_verbosity(Verbosity verbosity) {
  verbosity_ = verbosity;
  publish();
}

void Gateway::find_connections(const ConnectionQuery& query, std::function<void(ConnectionPage)> answer) {
  searches_.find(query, std::move(answer));
}

void Gateway::close_connection(std::uint64_t id, std::function<void(bool found)> answer) {
  searches_.kick(id, std::move(answer));
}

void Gateway::start(std::function<void()> on_ready) {
  directory_.open([this, on_ready = std::move(on_ready)] {
    if (stopping_) return;
    started_ = true;
    ports_ticker_ =
        std::make_unique<control::Ticker>(runtime_, kPortsLook, [this] { local_ports_ = net::local_ports(); });
    ticker_ = std::make_unique<control::Ticker>(runtime_, kTick, [this] { tick(); });
    tell_descriptors();
    for (const auto& worker : workers_) worker->start();
    on_ready();
  });
}

// Drains have deadlines, and those who leave are gone at some time.
void Gateway::tick() {
  const bool closes = take_closings();
  const bool closed = close_left();
  if (closes || closed) publish();
}

// Better told at the start than met at the peak; but the default of max_connections is more than many machines allow.
void Gateway::tell_descriptors() const {
  std::int64_t most = 0;
  listeners_.for_each([&most](const KnownListener& listener) {
    most = std::max<std::int64_t>(most, listener.settings.max_connections);
  });
  most = std::min<std::int64_t>(most, process_.max_connections);
  const std::int64_t room = descriptors_.free() / 2;
  if (most <= room) return;
  base::log_info(
      "there are descriptors for fewer connections than a listener may have; then accepting pauses: raise the limit "
      "(LimitNOFILE) or lower max_connections",
      {{"max_connections", most}, {"descriptors_for", room}});
}

std::uint64_t Gateway::connections() const {
  std::uint64_t sum = 0;
  listeners_.for_each([&sum](const KnownListener& listener) { sum += listener.admission->connections(); });
  return sum;
}

Status Gateway::status() const {
  Status status;
  std::vector<const KnownListener*> shown;
  listeners_.for_each([&shown](const KnownListener& listener) { shown.push_back(&listener); });
  std::ranges::stable_sort(shown, {}, &KnownListener::position);
  for (const KnownListener* listener : shown) status.listeners.push_back(status_of(*listener));
  status.pools = directory_.status();
  for (std::size_t i = 0; i < workers_.size(); ++i) status.workers.push_back(status_of(i));
  status.max_connections = process_.max_connections;
  status.local_ports = local_ports_.load().count();
  status.descriptors_free = descriptors_.free();
  status.notices_dropped = notices_.dropped();
  status.notices_waiting = notices_.depth();
  status.notices_room = notices_.capacity();
  if (drain_) status.draining = drain_->status(base::Clock::now(), connections(), ended());
  return status;
}

ListenerStatus Gateway::status_of(const KnownListener& listener) const {
  ListenerStatus status;
  status.name = listener.name();
  status.state = name_of(listener.state);
  status.pool = listener.settings.pool;
  for (const entry::Bind& bind : listener.listening.binds()) status.addresses.push_back(bind.address.text());
  status.max_connections = listener.settings.max_connections;
  status.without_room = listener.admission->without_room();
  status.connect_buckets.resize(ConnectHistogram::kBoundsSeconds.size() + 1);
  for (std::size_t i = 0; i < listener.slot->workers(); ++i) add_counters(status, listener.slot->counters(i));
  if (listener.drain) {
    status.draining = listener.drain->status(base::Clock::now(), status.connections, listener.ended());
  }
  return status;
}

WorkerStatus Gateway::status_of(std::size_t number) const {
  const Worker& worker = *workers_[number];
  const WorkerCounters& counters = worker.counters();
  const net::Loop::Counters& loop = worker.loop_counters();
  WorkerStatus status;
  status.turns = loop.turns.value();
  status.events = loop.events.value();
  status.accept_paused = counters.accept_paused.value() != 0;
  status.accept_pauses = counters.accept_pauses.value();
  status.relay_memory_bytes = static_cast<std::uint64_t>(counters.relay_memory_bytes.value());
  status.buffer_memory_bytes = static_cast<std::uint64_t>(counters.buffer_memory_bytes.value());
  status.lag_seconds = loop.lengths.longest_seconds(base::Clock::now());
  status.turn_seconds_sum = loop.lengths.sum_seconds();
  for (std::size_t i = 0; i <= net::TurnLengths::kBoundsSeconds.size(); ++i) {
    status.turn_buckets.push_back(loop.lengths.bucket(i));
  }
  listeners_.for_each([&](const KnownListener& listener) {
    status.connections += static_cast<std::uint64_t>(listener.slot->counters(number).connections.value());
  });
  return status;
}

}  // namespace holdfast::gateway
