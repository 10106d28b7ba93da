// wire/mqtt/decode.h: bytes to packets, for MQTT 3.1, 3.1.1 and 5.0, both directions.
//
// Everything that one packet alone can break is judged here, with the reason the standard names. What needs the state
// of a connection is not: aliases beyond the maximum, the receive maximum, packet identifiers in use, the second
// CONNECT, a Session Expiry that DISCONNECT may not change. Nor is the syntax of filters (wildcards, $share), and
// whether a payload said to be UTF-8 is.
//
// Thread: pure functions. Cost: nothing allocates, throws or copies; a QoS 0 PUBLISH takes some tens of nanoseconds.
// Limits: those of the format. Compare Header::packet_bytes() with the limit of the connection before the body comes.
//
// Where the standards leave the reason open:
//   a wildcard in a topic name, an empty one   Topic Name invalid; an empty filter: Topic Filter invalid
//   packet identifier 0, an unknown code       Protocol Error: it can be parsed, but is not allowed
//   a padded length                            malformed in MQTT 5 (1.5.5-1), also in the fixed header; fine before
//   Topic Alias 0                              Topic Alias invalid
//   a Response Topic that is no topic name     Protocol Error
//   a property of another packet               malformed (2.2.2.2); one that only this end may not send: Protocol Error
// Of MQTT 3.1, flags that it does not use are not looked at, a user name that is announced may be missing, and client
// identifiers may be longer than 23 characters. Bridges that set the highest bit of the level are refused, as they
// expect of a broker that does not know them.
//
// A packet is whole once header_bytes + body_bytes have come; the decoders are given the body of exactly body_bytes,
// another size is a programming error and ends the process. They return null when all is well; otherwise the fault,
// and then the packet holds nothing of use (but see decode_connect()).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "wire/mqtt/packets.h"

namespace holdfast::wire::mqtt {

using Body = std::span<const std::byte>;

enum class HeaderStatus : std::uint8_t { more, ok, malformed };

struct HeaderRead {
  HeaderStatus status = HeaderStatus::more;
  Header header;                 // empty unless ok
  const Fault* fault = nullptr;  // set when malformed
};

// What `input`, everything received and not yet taken, begins with. Five bytes are always enough.
[[nodiscard]] HeaderRead read_header(std::span<const std::byte> input) noexcept;

// Judges a header before its body is there: flags, packets that the version has not or that this end may not send,
// lengths that cannot be, padded lengths. The decoders do it as well. Not for CONNECT, whose version is inside.
[[nodiscard]] const Fault* check_header(const Header& header, Version version, Sender sender) noexcept;

// `connect.version` is right whenever the fault lies behind the protocol level. Of an unsupported_protocol_version it
// is the version in which to write the refusal: v5 when the level is higher than ours, else v311.
[[nodiscard]] const Fault* decode_connect(const Header& header, Body body, Connect& connect) noexcept;

[[nodiscard]] const Fault* decode_publish(const Header& header, Body body, Version version, Sender sender,
                                          Publish& publish) noexcept;
// PUBACK, PUBREC, PUBREL, PUBCOMP.
[[nodiscard]] const Fault* decode_ack(const Header& header, Body body, Version version, Ack& ack) noexcept;
[[nodiscard]] const Fault* decode_subscribe(const Header& header, Body body, Version version,
                                            Subscribe& subscribe) noexcept;
[[nodiscard]] const Fault* decode_unsubscribe(const Header& header, Body body, Version version,
                                              Unsubscribe& unsubscribe) noexcept;
// PINGREQ, PINGRESP: check_header() says it all.
[[nodiscard]] const Fault* decode_ping(const Header& header, Body body, Version version, Ping& ping) noexcept;
[[nodiscard]] const Fault* decode_disconnect(const Header& header, Body body, Version version, Sender sender,
                                             Disconnect& disconnect) noexcept;
[[nodiscard]] const Fault* decode_auth(const Header& header, Body body, Version version, Sender sender,
                                       Auth& auth) noexcept;

// What only a server sends.
[[nodiscard]] const Fault* decode_connack(const Header& header, Body body, Version version, Connack& connack) noexcept;
[[nodiscard]] const Fault* decode_suback(const Header& header, Body body, Version version, Suback& suback) noexcept;
[[nodiscard]] const Fault* decode_unsuback(const Header& header, Body body, Version version,
                                           Unsuback& unsuback) noexcept;

// Any packet, for clients, tools and tests. Of CONNECT the version is that of the packet.
[[nodiscard]] const Fault* decode(const Header& header, Body body, Version version, Sender sender,
                                  Packet& packet) noexcept;

}  // namespace holdfast::wire::mqtt
