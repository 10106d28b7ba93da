#include "control/event_reader.h"

#include <algorithm>
#include <utility>

namespace holdfast::control {

//= HTML 9.2.5
std::vector<ServerEvent> EventReader::feed(std::string_view text) {
  std::vector<ServerEvent> events;
  while (!text.empty()) {
    if (std::exchange(after_cr_, false) && text.starts_with('\n')) {
      text.remove_prefix(1);
      continue;
    }
    const std::size_t end = text.find_first_of("\r\n");
    line_ += text.substr(0, end);
    if (line_.size() > kEventBytesMax) {
      line_.clear();
      too_large_ = true;
    }
    if (end == std::string_view::npos) break;
    after_cr_ = text[end] == '\r';
    take_line(std::exchange(line_, ""), events);
    text.remove_prefix(end + 1);
  }
  return events;
}

//= HTML 9.2.6
void EventReader::take_line(std::string_view line, std::vector<ServerEvent>& events) {
  if (!line.empty()) {
    const std::size_t colon = std::min(line.find(':'), line.size());
    std::string_view value = line.substr(std::min(colon + 1, line.size()));
    if (value.starts_with(' ')) value.remove_prefix(1);
    return set_field(line.substr(0, colon), value);
  }
  if (!data_.empty() && !too_large_) {
    data_.pop_back();  // the last line's end
    events.push_back({id_, type_.empty() ? "message" : type_, data_});
  }
  type_.clear();
  data_.clear();
  too_large_ = false;
}

void EventReader::set_field(std::string_view name, std::string_view value) {
  if (name == "event") type_ = value;
  if (name == "id") id_ = value;
  if (name != "data") return;
  data_.append(value) += '\n';
  if (data_.size() <= kEventBytesMax) return;
  data_.clear();
  too_large_ = true;
}

}  // namespace holdfast::control
