// Any bytes as a stream of packets. The first byte says in which version, and who sends it. What is read can be
// written, and is the same when it is read again; what is refused is refused for a reason.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "wire/mqtt/decode.h"
#include "wire/mqtt/encode.h"

namespace {

using namespace holdfast::wire::mqtt;

void demand(bool holds) {
  if (!holds) std::abort();
}

void demand_reason(const Fault* fault) {
  demand(fault != nullptr && is_failure(fault->reason));
  demand(!std::string_view(fault->clause).empty() && !std::string_view(fault->what).empty());
}

// Five bytes are enough, and until a header is all there, more is awaited.
HeaderRead read_stable(Body input) {
  const HeaderRead whole = read_header(input);
  const std::size_t all = std::min(input.size(), kHeaderBytesMax);
  for (std::size_t cut = 0; cut < all; ++cut) {
    const std::vector<std::byte> copy(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(cut));
    const HeaderRead read = read_header(copy);
    demand(read.status == HeaderStatus::more || read.status == whole.status);
  }
  demand(read_header(input.first(all)).status == whole.status);
  if (whole.status == HeaderStatus::malformed) demand_reason(whole.fault);
  return whole;
}

Version version_of(const Packet& packet, Version version) {
  const auto* connect = std::get_if<Connect>(&packet);
  return connect != nullptr ? connect->version : version;
}

// A broker's way of writing a PUBLISH says the same as the other.
void demand_same_head(const Publish& publish, Version version, const Bytes& written) {
  if (publish.properties.has(Property::message_expiry) || publish.properties.has(Property::topic_alias) ||
      publish.properties.has(Property::subscription_id)) {
    return;
  }
  Bytes forwarded;
  append_forwarded(forwarded, publish.properties);
  PublishHead head{version, publish.qos, publish.retain, publish.dup, publish.packet_id, publish.topic};
  head.forwarded = forwarded;
  Bytes out;
  demand(encode_publish_head(out, head, publish.payload.size()));
  out.insert(out.end(), publish.payload.begin(), publish.payload.end());
  demand(out == written && publish_bytes(head, publish.payload.size()) == written.size());
}

void demand_round_trip(const Packet& packet, Version version, Sender sender) {
  version = version_of(packet, version);
  Bytes written;
  demand(encode(written, packet, version));
  const HeaderRead read = read_header(written);
  demand(read.status == HeaderStatus::ok && read.header.packet_bytes() == written.size());
  Packet again;
  demand(decode(read.header, Body(written).subspan(read.header.header_bytes), version, sender, again) == nullptr);
  Bytes rewritten;
  demand(again.index() == packet.index() && encode(rewritten, again, version) && rewritten == written);
  if (const auto* publish = std::get_if<Publish>(&packet)) demand_same_head(*publish, version, written);
}

// The walks are safe over bytes that nobody has looked at.
void walk(Body input) {
  std::size_t bytes = 0;
  for (const UserProperty& each : UserProperties(input)) bytes += 5 + each.name.size() + each.value.size();
  for (const std::uint32_t id : SubscriptionIds(input)) bytes += id > 0 ? 2 : 1;
  demand(bytes <= input.size());
  for (const auto kind : {FilterList::Kind::with_options, FilterList::Kind::without_options}) {
    bytes = 0;
    for (const Filter& each : FilterList(input, kind)) bytes += each.filter.size();
    demand(bytes <= input.size());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  constexpr Version kVersions[] = {Version::v5, Version::v311, Version::v31};
  const Version version = kVersions[(data[0] >> 1) % 3];
  const Sender sender = (data[0] & 1) == 0 ? Sender::client : Sender::server;
  Body rest = std::as_bytes(std::span(data, size)).subspan(1);
  walk(rest);
  while (!rest.empty()) {
    const HeaderRead read = read_stable(rest);
    if (read.status != HeaderStatus::ok || rest.size() < read.header.packet_bytes()) return 0;
    // From memory that ends where the body ends.
    const Body body = rest.subspan(read.header.header_bytes, read.header.body_bytes);
    const std::vector<std::byte> copy(body.begin(), body.end());
    Packet packet;
    if (const Fault* fault = decode(read.header, copy, version, sender, packet)) {
      demand_reason(fault);
      return 0;
    }
    demand_round_trip(packet, version, sender);
    rest = rest.subspan(read.header.packet_bytes());
  }
  return 0;
}
