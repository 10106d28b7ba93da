// A client on its way to its session: CONNECT, who it is, where its session lives. The rest of Connections is in
// connections.cc.
//
// Each step waits for an answer and holds nothing but the connection's record: who it is, control finds out; where its
// session lives, the shard that orders the connects of this client id. The answer may come at once.
#include "broker/connections.h"
#include "wire/mqtt/decode.h"
#include "wire/mqtt/encode.h"

namespace holdfast::broker {

using Stage = Connection::Stage;
using wire::mqtt::Reason;

namespace {

std::span<const std::byte> body_of(std::span<const std::byte> packet, wire::mqtt::Header& header) {
  header = wire::mqtt::read_header(packet).header;
  return packet.subspan(header.header_bytes);
}

}  // namespace

// Who it is has been said, or does not have to be: now it may speak.
void Connections::expect_connect(base::Key key, Connection& connection) {
  const Listener& from = listener(connection);
  connection.stage = from.is_websocket() ? Stage::upgrading : Stage::connecting;
  arm(key.index, from.connect_timeout);
}

void Connections::take_connect(base::Key key, Connection& connection, const wire::mqtt::Header& header,
                               std::span<const std::byte> packet) {
  context_.counters->packets_received[static_cast<std::size_t>(header.type)].add();
  wire::mqtt::Connect connect;
  const wire::mqtt::Fault* fault = wire::mqtt::decode_connect(header, packet.subspan(header.header_bytes), connect);
  connection.version = connect.version;
  if (fault != nullptr) return refuse_connect(key, connection, fault->reason, EndReason::malformed);
  if (const auto reason = shard_.judge(connect, listener(connection).limits)) {
    return refuse_connect(key, connection, *reason, EndReason::refused);
  }
  //= MQTT5 [MQTT-4.12.0-1]
  if (connect.properties.has(wire::mqtt::Property::auth_method)) {  // none is offered: begin_auth()
    return refuse_connect(key, connection, Reason::bad_authentication_method, EndReason::refused);
  }
  connection.arriving = std::make_unique<Arriving>();
  Arriving& arriving = *connection.arriving;
  arriving.connect.assign(packet.begin(), packet.end());
  arriving.token = context_.connects_read->fetch_add(1, std::memory_order_relaxed) + 1;
  arriving.assigned = connect.client_id.empty();
  arriving.client_id = arriving.assigned ? shard_.new_client_id() : std::string(connect.client_id);
  ask_who(key, connection, connect);
}

void Connections::ask_who(base::Key key, Connection& connection, const wire::mqtt::Connect& connect) {
  connection.stage = Stage::asking;
  WhoIsIt question{.worker = context_.number,
                   .link = key,
                   .listener = connection.listener,
                   .client = connection.client,
                   .client_id = connection.arriving->client_id,
                   .user = std::nullopt,
                   .password = std::nullopt};
  if (connect.user_name) question.user = std::string(*connect.user_name);
  if (connect.password) {
    question.password = std::string(reinterpret_cast<const char*>(connect.password->data()), connect.password->size());
  }
  if (!context_.notices->post(std::move(question))) {
    refuse_connect(key, connection, Reason::server_busy, EndReason::busy);
  }
}

void Connections::identified(Identified answer) {
  Connection* connection = connections_.find(answer.link);
  if (connection == nullptr || connection->stage != Stage::asking) return;  // it did not wait
  if (answer.reason != Reason::success) {
    return refuse_connect(answer.link, *connection, answer.reason, EndReason::refused);
  }
  connection->rank = answer.rank;
  connection->arriving->user = std::move(answer.user);
  shard_.claim(answer.link, connection->arriving->client_id);
}

bool Connections::granted(base::Key link, unsigned holder) {
  Connection* connection = connections_.find(link);
  if (connection == nullptr || connection->stage != Stage::asking) return false;
  if (holder == context_.number) {
    attach(link, *connection);
  } else {
    hand_over(link, *connection, holder);
  }
  return true;
}

void Connections::attach(base::Key key, Connection& connection) {
  const std::unique_ptr<Arriving> arriving = std::move(connection.arriving);
  wire::mqtt::Header header;
  wire::mqtt::Connect connect;
  const auto body = body_of(arriving->connect, header);
  (void)wire::mqtt::decode_connect(header, body, connect);  // it was whole when it came
  connection.stage = Stage::open;
  const Listener& from = listener(connection);
  prepare_identity(connection, arriving->client_id, arriving->user);
  if (from.rates.limited()) start_pace(connection, arriving->rest.size());
  connection.place = shard_.attach({.link = key,
                                    .connect = connect,
                                    .limits = from.limits,
                                    .client_id = arriving->client_id,
                                    .user = arriving->user,
                                    .is_assigned = arriving->assigned,
                                    .address = connection.client,
                                    .token = arriving->token},
                                   loop_.now());
  if (connection.stage != Stage::open) {  // it has been ended already: another one came later and was first, say
    connection.place = kNoPlace;
    return;
  }
  if (context_.tells_all->load(std::memory_order_relaxed)) {
    (void)context_.notices->post(ClientConnected{connection.listener, connection.client, arriving->client_id,
                                                 static_cast<std::uint8_t>(connection.version)});
  }
  arm_open(key.index, connection);
  hold(connection, take_mqtt(key, connection, arriving->rest));
  resume_later(key, connection);  // what the kernel holds was not read meanwhile
}

// Its session lives on another worker: it goes there, with all that it has said.
void Connections::hand_over(base::Key key, Connection& connection, unsigned holder) {
  write_out(connection);
  Handover handover{.fd = connection.transport.fd(),
                    .id = connection.id,
                    .bytes_received = connection.bytes_received,
                    .bytes_sent = connection.bytes_sent,
                    .client = connection.client,
                    .listener = connection.listener,
                    .version = connection.version,
                    .placed = connection.placed,
                    .accepted = connection.accepted,
                    .rank = connection.rank,
                    .arriving = std::move(connection.arriving),
                    .websocket = std::move(connection.websocket)};
  loop_.unwatch(handover.fd);
  timers_.cancel(key.index);
  buffers_.release(connection.out);
  counters(connection).connections.add(-1);
  connections_.remove(key);
  outbox_.add(holder, std::move(handover));
}

void Connections::adopt(Handover handover) {
  const base::Key key = connections_.add();
  Connection& connection = *connections_.find(key);
  connection.id = handover.id;
  connection.bytes_received = handover.bytes_received;
  connection.bytes_sent = handover.bytes_sent;
  connection.transport = net::Transport(handover.fd);
  connection.client = handover.client;
  connection.listener = handover.listener;
  connection.version = handover.version;
  connection.placed = handover.placed;
  connection.accepted = handover.accepted;
  connection.heard = loop_.tick();
  connection.rank = handover.rank;
  connection.arriving = std::move(handover.arriving);
  connection.websocket = std::move(handover.websocket);
  connection.stage = Stage::asking;
  counters(connection).connections.add(1);
  if (!loop_.watch(handover.fd, token(key))) {
    shard_.give_back(connection.arriving->client_id);
    return close(key, connection, EndReason::no_memory);
  }
  attach(key, connection);
}

// Says why, where the version has words for it, and ends the connection.
//= MQTT311 [MQTT-3.2.2-5]
void Connections::refuse_connect(base::Key key, Connection& connection, Reason reason, EndReason why) {
  wire::mqtt::Bytes bytes;
  wire::mqtt::Connack connack;
  connack.reason = reason;
  if (wire::mqtt::encode_connack(bytes, connack, connection.version)) send(key, bytes);
  note_refused(connection, reason, why);
  part(key, connection, why);
}

void Connections::note_refused(const Connection& connection, Reason reason, EndReason why) {
  counters(connection).connects_refused.at(refusal_index(reason)).add();
  (void)context_.notices->post(ConnectRefused{connection.listener, connection.client, why, reason});
}

void Connections::will_refused(base::Key link, std::string_view client_id, Reason why) {
  const Connection* connection = connections_.find(link);
  if (connection == nullptr) return;
  (void)context_.notices->post(WillRefused{connection->listener, connection->client, std::string(client_id), why});
}

// --- what it may do ---

void Connections::prepare_identity(Connection& connection, std::string_view client_id, std::string_view user) {
  connection.identity =
      acl_.get().prepare({.client_id = client_id, .user = user, .address = connection.client, .rank = connection.rank});
}

bool Connections::may(base::Key link, Action action, std::string_view topic) {
  Connection* connection = connections_.find(link);
  if (connection == nullptr) return false;
  if (!acl_.get().fits(connection->identity)) {
    if (connection->place == kNoPlace) return false;
    prepare_identity(*connection, shard_.client_id(connection->place), shard_.user_name(connection->place));
  }
  const auth::Action asked = action == Action::publish ? auth::Action::publish : auth::Action::subscribe;
  return acl_.get().check(connection->identity, asked, topic).permission == auth::Permission::allow;
}

}  // namespace holdfast::broker
