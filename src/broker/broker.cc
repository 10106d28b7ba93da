#include "broker/broker.h"

#include <cctype>
#include <stdexcept>
#include <thread>

#include "base/log.h"
#include "base/siphash.h"
#include "broker/settings.h"
#include "broker/sys_topics.h"
#include "entry/connection_ids.h"

namespace holdfast::broker {
namespace {

constexpr std::size_t kNoticesMax = 16'384;
constexpr std::chrono::milliseconds kRatesPeriod{1000};

// What a client may send; all else ends its connection before it is counted.
constexpr wire::mqtt::PacketType kOfClients[] = {
    wire::mqtt::PacketType::connect,    wire::mqtt::PacketType::publish,     wire::mqtt::PacketType::puback,
    wire::mqtt::PacketType::pubrec,     wire::mqtt::PacketType::pubrel,      wire::mqtt::PacketType::pubcomp,
    wire::mqtt::PacketType::subscribe,  wire::mqtt::PacketType::unsubscribe, wire::mqtt::PacketType::pingreq,
    wire::mqtt::PacketType::disconnect, wire::mqtt::PacketType::auth};

// "Server busy": "server_busy".
std::string label_of(wire::mqtt::Reason reason) {
  std::string label = wire::mqtt::name(reason);
  for (char& letter : label)
    letter = letter == ' ' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return label;
}

unsigned workers_of(const config::Node& node) {
  const unsigned wanted = node.workers != 0 ? node.workers : std::thread::hardware_concurrency();
  return std::min(std::max(wanted, 1U), kShardsMax);
}

std::shared_ptr<const auth::Files> load(const config::Auth& settings) {
  auth::LoadedFiles loaded = auth::load_files(settings);
  if (loaded.files) return loaded.files;
  std::string text;
  for (const config::Fault& fault : loaded.faults) text += (text.empty() ? "" : "\n") + to_text(fault);
  throw std::runtime_error(text);
}

ShardSettings settings_of(const config::Settings& settings, std::string node_name) {
  ShardSettings made = shard_settings(settings.broker, workers_of(settings.node), std::move(node_name));
  made.denied_disconnects = settings.auth.acl && settings.auth.acl->when_denied == config::WhenDenied::disconnect;
  return made;
}

}  // namespace

Broker::Broker(control::Runtime& runtime, const config::Settings& settings, std::string node_name, std::string version,
               net::DescriptorBudget& descriptors, entry::ProcessLimit& process)
    : runtime_(runtime),
      settings_(settings),
      version_(std::move(version)),
      begun_(base::Clock::now()),
      descriptors_(descriptors),
      process_(process),
      files_(load(settings.auth)),
      chain_(std::make_unique<auth::Chain>(runtime, settings.auth, *files_)),
      acl_(files_->acl),
      shard_settings_(settings_of(settings, std::move(node_name))),
      wakeup_(runtime, [this] { notices_.take([this](Notice notice) { hear(std::move(notice)); }); }),
      notices_(kNoticesMax, wakeup_),
      delayed_room_(shard_settings_.delayed_max, shard_settings_.delayed_bytes_max),
      office_(shard_settings_.shards),
      searches_(runtime, listeners_, [this](const std::shared_ptr<const ScanOrder>& order) {
        for (const auto& worker : workers_) worker->search(order);
        return workers_.size();
      }) {
  const std::uint64_t first_id = entry::first_connection_id() + entry::kBrokerIds;
  open(settings.broker, shard_settings_.shards);
  for (unsigned number = 0; number < shard_settings_.shards; ++number) {
    workers_.push_back(std::make_unique<Worker>(WorkerContext{.number = number,
                                                              .workers = shard_settings_.shards,
                                                              .listeners = &listeners_,
                                                              .acl = &acl_,
                                                              .shard = &shard_settings_,
                                                              .tells_all = &tells_all_,
                                                              .descriptors = &descriptors_,
                                                              .notices = &notices_,
                                                              .delayed_room = &delayed_room_,
                                                              .connects_read = &connects_read_,
                                                              .scan_results = &searches_.results(),
                                                              .first_id = first_id + number},
                                                office_));
    office_.open(number, workers_.back()->waker());
  }
}

Broker::~Broker() { stop(); }

// Workers end their connections on the way out; what they say of it is still written.
void Broker::stop() {
  stopped_ = true;
  rates_ticker_.reset();
  sys_topics_.reset();
  for (const auto& worker : workers_) worker->begin_to_stop();
  for (const auto& worker : workers_) worker->stop();
  notices_.take([this](Notice notice) {
    if (!std::holds_alternative<WhoIsIt>(notice)) hear(std::move(notice));
  });
}

void Broker::open(const config::Broker& settings, unsigned workers) {
  const base::SipKey seed = base::random_sip_key();
  const entry::Binder binder(workers, descriptors_);
  for (const config::BrokerListener& each : settings.listeners) {
    auto listener = std::make_unique<Listener>(listener_of(settings, each));
    listener->admission = std::make_shared<const entry::Admission>(each, process_, seed);
    for (unsigned i = 0; i < workers; ++i) listener->counters.push_back(std::make_unique<ListenerCounters>());
    for (const base::Endpoint& endpoint : each.bind) listener->binds.push_back(binder.open(each, endpoint, {}));
    for (const entry::Bind& bind : listener->binds) {
      for (const auto& socket : bind.sockets) {
        socket->listener = static_cast<std::uint16_t>(listeners_.all.size());
        listeners_.sockets.push_back(socket);
      }
    }
    listeners_.all.push_back(std::move(listener));
  }
}

void Broker::start() {
  for (const auto& listener : listeners_.all) {
    for (const entry::Bind& bind : listener->binds) entry::begin_listening(bind);
  }
  for (const auto& worker : workers_) worker->start();
  rates_ticker_ = std::make_unique<control::Ticker>(runtime_, kRatesPeriod,
                                                    [this] { rates_.look(status().totals, base::Clock::now()); });
  sys_topics_ =
      std::make_unique<SysTopics>(runtime_, *this, shard_settings_.node_name, version_, settings_.broker.sys_interval);
}

void Broker::hear(Notice notice) {
  struct Reader {
    Broker& broker;

    [[nodiscard]] const std::string& listener(std::uint16_t number) const {
      return broker.listeners_.at(number).settings.name;
    }
    void operator()(std::monostate /*nothing*/) const {}
    void operator()(WhoIsIt& question) const { broker.ask(std::move(question)); }
    void operator()(const ClientConnected& told) const {
      base::log_info("client connected", {{"listener", listener(told.listener)},
                                          {"client", told.client.text()},
                                          {"client_id", told.client_id},
                                          {"mqtt", std::int64_t{told.version}}});
    }
    void operator()(const ConnectRefused& told) const {
      base::log_info("client refused", {{"listener", listener(told.listener)},
                                        {"client", told.client.text()},
                                        {"reason", name(told.why)},
                                        {"code", wire::mqtt::name(told.reason)}});
    }
    void operator()(const WillRefused& told) const {
      base::log_info("will refused", {{"listener", listener(told.listener)},
                                      {"client", told.client.text()},
                                      {"client_id", told.client_id},
                                      {"code", wire::mqtt::name(told.why)}});
    }
    void operator()(const ClientGone& told) const {
      base::log_info("client gone", {{"listener", listener(told.listener)},
                                     {"client", told.client.text()},
                                     {"client_id", told.client_id},
                                     {"reason", name(told.reason)},
                                     {"duration_ms", std::int64_t{told.duration.count()}}});
    }
    void operator()(const AcceptChanged& told) const {
      if (told.paused) {
        base::log_warning("the broker accepts nobody: file descriptors ran short",
                          {{"worker", std::int64_t{told.worker}}});
      } else {
        base::log_info("the broker accepts again", {{"worker", std::int64_t{told.worker}}});
      }
    }
  };
  std::visit(Reader{*this}, notice);
}

void Broker::ask(WhoIsIt question) {
  const Listener& from = listeners_.at(question.listener);
  auth::Credentials credentials{.client_id = std::move(question.client_id),
                                .user = std::move(question.user),
                                .password = std::move(question.password),
                                .address = question.client,
                                .listener = from.settings.name,
                                .certificate = {},
                                .anonymous = from.settings.anonymous};
  chain_->authenticate(
      std::move(credentials), [this, worker = question.worker, link = question.link](auth::Answer answer) {
        const bool super = answer.verdict == auth::Verdict::ok_superuser;
        (void)workers_[worker]->order(Identified{.link = link,
                                                 .reason = reason_of(answer.verdict),
                                                 .user = std::move(answer.user),
                                                 .rank = super ? auth::Rank::superuser : auth::Rank::ordinary});
      });
}

wire::mqtt::Reason Broker::reason_of(auth::Verdict verdict) noexcept {
  using wire::mqtt::Reason;
  switch (verdict) {
    case auth::Verdict::ok:
    case auth::Verdict::ok_superuser: return Reason::success;
    case auth::Verdict::bad_credentials: return Reason::bad_user_name_or_password;
    case auth::Verdict::ignore:
    case auth::Verdict::not_authorized: return Reason::not_authorized;
    case auth::Verdict::error: return Reason::server_unavailable;
    case auth::Verdict::too_many_failures: return Reason::connection_rate_exceeded;
    case auth::Verdict::busy: break;
  }
  return Reason::server_busy;
}

void Broker::publish(std::string topic, std::string payload, bool retain) {
  (void)workers_.front()->order(PublishOrder{std::move(topic), std::move(payload), retain});
}

void Broker::find_connections(const entry::ConnectionQuery& query, std::function<void(entry::ConnectionPage)> answer) {
  if (stopped_) return answer({});  // nobody looks any more
  searches_.find(query, std::move(answer));
}

void Broker::close_connection(std::uint64_t id, std::function<void(bool)> answer) {
  if (stopped_) return answer(false);
  searches_.kick(id, std::move(answer));
}

void Broker::close_client(const std::string& client_id, std::function<void(bool)> answer) {
  if (stopped_) return answer(false);
  searches_.kick_client(client_id, std::move(answer));
}

std::uint64_t Broker::connections() const {
  std::uint64_t sum = 0;
  for (const auto& listener : listeners_.all) sum += listener->admission->connections();
  return sum;
}

Status Broker::status() const {
  Status status;
  for (const auto& listener : listeners_.all) status.listeners.push_back(status_of(*listener));
  for (const auto& worker : workers_) {
    const WorkerCounters& counters = worker->counters();
    status.workers.push_back(
        {.turns = worker->loop_counters().turns.value(),
         .lag_seconds = worker->loop_counters().lengths.longest_seconds(base::Clock::now()),
         .clients = static_cast<std::uint64_t>(counters.clients.value()),
         .connection_memory_bytes = static_cast<std::uint64_t>(counters.connection_memory_bytes.value()),
         .buffer_memory_bytes = static_cast<std::uint64_t>(counters.buffer_memory_bytes.value()),
         .accept_paused = counters.accept_paused.value() != 0});
    add_totals(status.totals, counters);
  }
  const WorkerCounters& first = workers_.front()->counters();
  status.totals.retained = static_cast<std::uint64_t>(first.retained.value());
  status.totals.retained_bytes = static_cast<std::uint64_t>(first.retained_bytes.value());
  for (const ListenerStatus& listener : status.listeners) {
    status.totals.bytes_received += listener.bytes_received;
    status.totals.bytes_sent += listener.bytes_sent;
  }
  const Message::Living living = Message::living();
  status.totals.messages_alive = living.messages;
  status.totals.message_bytes_alive = living.bytes;
  clients_max_ = std::max(clients_max_, status.totals.clients);
  status.totals.clients_max = clients_max_;
  status.rates = stopped_ ? MessageRates{} : rates_.rates();
  status.auth = chain_->counts();
  status.notices_dropped = notices_.dropped();
  status.uptime_seconds = std::chrono::duration<double>(base::Clock::now() - begun_).count();
  return status;
}

ListenerStatus Broker::status_of(const Listener& listener) const {
  ListenerStatus status;
  status.name = listener.settings.name;
  status.protocol = listener.is_websocket() ? "websocket" : "mqtt";
  for (const entry::Bind& bind : listener.binds) status.addresses.push_back(bind.address.text());
  status.max_connections = listener.settings.max_connections;
  for (const auto& counters : listener.counters) {
    status.connections += static_cast<std::uint64_t>(counters->connections.value());
    status.connections_total += counters->accepted.value();
    for (std::size_t i = 0; i < kRefusals; ++i) {
      const auto reason = static_cast<wire::mqtt::Reason>(0x80 + i);
      if (!may_say(wire::mqtt::PacketType::connack, wire::mqtt::Sender::server, reason)) continue;
      status.connects_refused[label_of(reason)] += counters->connects_refused.at(i).value();
    }
    status.bytes_received += counters->bytes_received.value();
    status.bytes_sent += counters->bytes_sent.value();
    for (std::size_t i = 1; i < kEndReasons; ++i) {
      status.closed[name(static_cast<EndReason>(i))] += counters->closed[i].value();
    }
    for (std::size_t i = 0; i < entry::kRefuseReasons; ++i) {
      status.refused[entry::name(static_cast<entry::RefuseReason>(i))] += counters->refused[i].value();
    }
  }
  return status;
}

void Broker::add_totals(Totals& totals, const WorkerCounters& counters) const {
  const auto gauge = [](const base::Gauge& from) { return static_cast<std::uint64_t>(from.value()); };
  totals.clients += gauge(counters.clients);
  totals.sessions += gauge(counters.sessions);
  totals.subscriptions += gauge(counters.subscriptions);
  totals.shared_subscriptions += gauge(counters.shared_subscriptions);
  totals.delayed += gauge(counters.delayed);
  totals.routes += gauge(counters.routes);
  totals.routes_wide += gauge(counters.routes_wide);
  totals.connects += counters.connects.value();
  totals.resumed += counters.resumed.value();
  totals.taken_over += counters.taken_over.value();
  totals.sessions_expired += counters.sessions_expired.value();
  totals.subscribes += counters.subscribes.value();
  totals.unsubscribes += counters.unsubscribes.value();
  totals.wills += counters.wills.value();
  for (std::size_t qos = 0; qos < 3; ++qos) {
    totals.messages_received[qos] += counters.messages_received[qos].value();
    totals.messages_sent[qos] += counters.messages_sent[qos].value();
  }
  totals.messages_unmatched += counters.messages_unmatched.value();
  totals.messages_denied += counters.messages_denied.value();
  totals.messages_forwarded += counters.messages_forwarded.value();
  totals.messages_retained += counters.messages_retained.value();
  totals.retained_refused += counters.retained_refused.value();
  totals.delayed_refused += counters.delayed_refused.value();
  totals.no_member += counters.no_member.value();
  totals.paced += counters.paced.value();
  for (const wire::mqtt::PacketType type : kOfClients) {
    totals.packets_received[name(type)] += counters.packets_received[static_cast<std::size_t>(type)].value();
  }
  for (std::size_t i = 0; i < kRefusedTopics; ++i) {
    totals.topics_refused[name(static_cast<RefusedTopic>(i))] += counters.topics_refused[i].value();
  }
  for (std::size_t i = 0; i < kDropReasons; ++i) {
    totals.dropped[name(static_cast<DropReason>(i))] += counters.dropped[i].value();
  }
}

}  // namespace holdfast::broker
