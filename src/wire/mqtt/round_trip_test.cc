// Random packets: what is written is read as the same, and says the same when it is written again.
#include "base/random.h"
#include "wire/mqtt/mqtt_testing.h"

namespace holdfast::wire::mqtt {
namespace {

using testing::bytes_of;

// Makes packets that are allowed; keeps what they point to.
class Maker {
 public:
  explicit Maker(std::uint64_t seed) : random_(seed) {}

  Packet make(Version version, Sender sender) {
    version_ = version;
    kept_.clear();
    return sender == Sender::client ? of_client() : of_server();
  }

 private:
  bool maybe() { return random_.below(2) == 0; }
  std::uint16_t id() { return static_cast<std::uint16_t>(1 + random_.below(65'535)); }
  Qos qos() { return static_cast<Qos>(random_.below(3)); }

  std::string_view keep(std::string text) {
    return *kept_.emplace_back(std::make_unique<std::string>(std::move(text)));
  }
  std::string_view text(std::size_t least = 0) {
    constexpr const char* kCharacters[] = {"a", "/", "$", "\xc3\xa9", "\xe6\xb8\xa9", "\xf0\x9f\x98\x80", " "};
    std::string made;
    for (std::size_t count = least + random_.below(30); count > 0; --count) made += kCharacters[random_.below(7)];
    return keep(std::move(made));
  }
  std::span<const std::byte> bytes() { return bytes_of(text()); }

  void numbers(Properties& p, std::initializer_list<Property> allowed, std::uint32_t limit) {
    for (const Property each : allowed) {
      if (maybe()) p.set(each, 1 + random_.below(limit));
    }
  }
  void texts(Properties& p, std::initializer_list<Property> allowed) {
    for (const Property each : allowed) {
      if (maybe()) p.set(each, text(1));
    }
  }
  Properties user_properties() {
    Properties p;
    Bytes encoded;
    for (std::uint32_t count = random_.below(3); count > 0; --count) {
      EXPECT_TRUE(append_user_property(encoded, text(), text()));
    }
    if (version_ == Version::v5) p.set_user_properties(bytes_of(keep(testing::text_of(encoded))));
    return p;
  }
  Properties of_message() {
    Properties p = user_properties();
    if (version_ != Version::v5) return p;
    numbers(p, {Property::payload_format}, 1);
    numbers(p, {Property::message_expiry}, 1'000'000);
    texts(p, {Property::content_type, Property::response_topic});
    if (maybe()) p.set(Property::correlation_data, bytes());
    return p;
  }
  Properties of_answer() {
    Properties p = user_properties();
    if (version_ == Version::v5) texts(p, {Property::reason_string});
    return p;
  }
  Properties with_auth(Properties p) {
    if (version_ != Version::v5) return p;
    texts(p, {Property::auth_method});
    if (p.has(Property::auth_method) && maybe()) p.set(Property::auth_data, bytes());
    return p;
  }

  Packet of_client();
  Packet of_server();
  Connect connect();
  Connack connack();
  Publish publish();
  template <typename T>
  T listing(FilterList::Kind kind);

  base::Random random_;
  Version version_ = Version::v5;
  std::vector<std::unique_ptr<std::string>> kept_;
};

Connect Maker::connect() {
  Connect connect;
  connect.version = version_;
  connect.clean_start = maybe();
  connect.keep_alive = Seconds(random_.below(65'536));
  connect.client_id = text(1);
  connect.properties = with_auth(user_properties());
  if (version_ == Version::v5) {
    numbers(connect.properties,
            {Property::session_expiry, Property::receive_maximum, Property::topic_alias_maximum,
             Property::maximum_packet_size},
            65'535);
    numbers(connect.properties, {Property::request_problem_information, Property::request_response_information}, 1);
  }
  if (maybe()) connect.will = Will{text(1), bytes(), qos(), maybe(), of_message()};
  if (connect.will && version_ == Version::v5) numbers(connect.will->properties, {Property::will_delay}, 1000);
  if (maybe()) connect.user_name = text();
  if (connect.user_name && maybe()) connect.password = bytes();
  return connect;
}

Connack Maker::connack() {
  Connack connack{maybe() && version_ != Version::v31, Reason::success, with_auth(of_answer())};
  if (version_ != Version::v5) return connack;
  numbers(connack.properties,
          {Property::session_expiry, Property::receive_maximum, Property::topic_alias_maximum,
           Property::maximum_packet_size, Property::server_keep_alive},
          65'535);
  numbers(connack.properties,
          {Property::maximum_qos, Property::retain_available, Property::wildcard_subscription_available,
           Property::subscription_id_available, Property::shared_subscription_available},
          1);
  texts(connack.properties, {Property::assigned_client_id, Property::response_information, Property::server_reference});
  return connack;
}

Publish Maker::publish() {
  Publish publish{qos(), maybe(), false, 0, text(1), bytes(), of_message()};
  if (publish.qos != Qos::at_most_once) {
    publish.packet_id = id();
    publish.dup = maybe();
  }
  if (version_ == Version::v5) numbers(publish.properties, {Property::topic_alias}, 65'535);
  return publish;
}

template <typename T>
T Maker::listing(FilterList::Kind kind) {
  Bytes encoded;
  for (std::uint32_t count = 1 + random_.below(4); count > 0; --count) {
    if (kind == FilterList::Kind::without_options) {
      EXPECT_TRUE(append_filter(encoded, text(1)));
      continue;
    }
    FilterOptions options{qos()};
    if (version_ == Version::v5) options = {qos(), maybe(), maybe(), static_cast<RetainHandling>(random_.below(3))};
    EXPECT_TRUE(append_filter(encoded, text(1), options));
  }
  return T{id(), FilterList(bytes_of(keep(testing::text_of(encoded))), kind), user_properties()};
}

Packet Maker::of_client() {
  switch (random_.below(version_ == Version::v5 ? 8 : 7)) {
    case 0: return connect();
    case 1: return publish();
    case 2: return Ack{PacketType::puback, id(), Reason::success, of_answer()};
    case 3: return listing<Subscribe>(FilterList::Kind::with_options);
    case 4: return listing<Unsubscribe>(FilterList::Kind::without_options);
    case 5: return Ping{PacketType::pingreq};
    case 6: return Disconnect{Reason::success, of_answer()};
    default: {
      Auth auth{Reason::continue_authentication, of_answer()};
      auth.properties.set(Property::auth_method, text(1));
      return auth;
    }
  }
}

Packet Maker::of_server() {
  static constexpr Reason kCodes[] = {Reason::granted_qos_0, Reason::granted_qos_0, Reason::unspecified_error};
  const auto codes = std::as_bytes(std::span(kCodes).first(1 + random_.below(3)));
  switch (random_.below(6)) {
    case 0: return connack();
    case 1: return publish();
    case 2: return Ack{PacketType::pubrel, id(), Reason::success, of_answer()};
    case 3: return Suback{id(), codes, of_answer()};
    case 4: return Unsuback{id(), version_ == Version::v5 ? codes : codes.first(0), of_answer()};
    default: return Ping{PacketType::pingresp};
  }
}

TEST(MqttRoundTrip, OfRandomPackets) {
  Maker maker(1883);
  for (int round = 0; round < 20'000; ++round) {
    const Version version = testing::kAllVersions[round % 3];
    const Sender sender = round % 2 == 0 ? Sender::client : Sender::server;
    const Packet made = maker.make(version, sender);
    const std::string bytes = testing::written(made, version);
    const testing::Reading reading(bytes, version, sender);
    ASSERT_EQ(reading.fault(), nullptr) << round << ' ' << testing::what(reading.fault());
    ASSERT_EQ(reading.packet().index(), made.index());
    ASSERT_EQ(testing::written(reading.packet(), version), bytes) << round;
    if (round % 50 == 0) testing::expect_safe_at_every_cut(bytes, version, sender);
  }
}

// One byte of a packet that was fine is another: whatever it becomes, it is judged, and what is fine can be written and
// is fine again.
TEST(MqttRoundTrip, OfPacketsWithOneByteChanged) {
  Maker maker(8883);
  base::Random random(1);
  for (int round = 0; round < 60'000; ++round) {
    const Version version = testing::kAllVersions[round % 3];
    const Sender sender = round % 2 == 0 ? Sender::client : Sender::server;
    std::string bytes = testing::written(maker.make(version, sender), version);
    bytes[random.below(static_cast<std::uint32_t>(bytes.size()))] = static_cast<char>(random.below(256));
    const testing::Reading reading(bytes, version, sender);
    if (!reading.is_whole() || reading.fault() != nullptr) continue;
    const auto* connect = std::get_if<Connect>(&reading.packet());
    const Version its_version = connect != nullptr ? connect->version : version;
    const testing::Reading again(testing::written(reading.packet(), its_version), its_version, sender);
    ASSERT_EQ(again.fault(), nullptr) << testing::what(again.fault());
  }
}

}  // namespace
}  // namespace holdfast::wire::mqtt
