// control/event_reader.h: server-sent events out of the text of a stream, however it is cut.
//
// Thread: a value. Limits: an event of more than kEventBytesMax is dropped whole.
// Source: https://html.spec.whatwg.org/multipage/server-sent-events.html, section 9.2.6
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::control {

inline constexpr std::size_t kEventBytesMax = 1024 * 1024;

struct ServerEvent {
  std::string id;    // the last one that was sent
  std::string type;  // "message" when it has none
  std::string data;
  friend bool operator==(const ServerEvent&, const ServerEvent&) = default;
};

class EventReader {
 public:
  // The events that `text` completes.
  [[nodiscard]] std::vector<ServerEvent> feed(std::string_view text);

 private:
  void take_line(std::string_view line, std::vector<ServerEvent>& events);
  void set_field(std::string_view name, std::string_view value);

  std::string line_;  // not complete yet
  std::string id_, type_, data_;
  bool too_large_ = false;  // the event under way
  bool after_cr_ = false;   // a line feed that comes now belongs to the line before
};

}  // namespace holdfast::control
