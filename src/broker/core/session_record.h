// broker/core/session_record.h: the form of the two records in which a session leaves and arrives.
//
// Numbers are in network order. Nothing in them means anything only to one process: no serial numbers, and times are
// what is left or has passed, in milliseconds, so the time that a record is on its way is not counted. What came
// through a shared group arrives as if it had not: take_shared() is for before.
//
//   subscriptions  version u8, then count u32 of
//                    filter u16 + bytes, options u8 as in SUBSCRIBE (MQTT5 3.8.3.1), identifier u32
//                  sorted by filter, byte by byte, none twice
//   state          version u8, expiry interval u32 in seconds, gone for u64, next packet identifier u16,
//                  window: count u32 of copies, queue: count u32 of copies,
//                  QoS 2 identifiers that await PUBREL: count u32 of u16, growing
//   copy           flags u8: stage (2 bits), QoS << 2, retain << 4; packet identifier u16 (0 in the queue);
//                  subscription identifiers: count u32 of u32; then the message, but not in stage 3
//   message        node u16, epoch u32, number u64, flags u8: QoS, retain << 2; lives for u64 (all ones: for ever);
//                  topic u16 + bytes, properties u32 + bytes, payload u32 + bytes
//
// A reader refuses another version, and everything that could not be the state of a session. Properties are taken as
// they are: a record comes from a broker, not from a client.
#pragma once

#include <cstdint>

namespace holdfast::broker {

inline constexpr std::uint8_t kSessionRecordVersion = 1;

}  // namespace holdfast::broker
