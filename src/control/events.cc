#include "control/events.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <charconv>
#include <chrono>
#include <deque>
#include <string>
#include <unordered_set>

#include "control/stream.h"
#include "control/wall_time.h"

namespace holdfast::control {
namespace {

constexpr std::size_t kPieceBytes = 256 * 1024;  // a piece ends when it has become larger than this
constexpr std::string_view kGreeting = ": events of holdfast\nretry: 2000\n\n";
constexpr std::string_view kHeartbeat = ":\n\n";

// JSON has its line ends escaped, so it is always one line.
std::string event_text(std::uint64_t id, std::string_view type, const std::string& json) {
  return fmt::format("id: {}\nevent: {}\ndata: {}\n\n", id, type, json);
}

std::string data_text(boost::json::object data) {
  const std::string at = to_rfc3339(std::chrono::system_clock::now());
  data["at"] = at;
  std::string json = boost::json::serialize(data);
  if (json.size() <= kEventBytesKept) return json;
  return boost::json::serialize(boost::json::object{{"too_large_bytes", json.size()}, {"at", at}});
}

std::uint64_t microseconds_since_1970() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

}  // namespace

struct Events::State {
  explicit State(std::uint64_t first) : first_id(first), next_id(first) {}

  [[nodiscard]] std::uint64_t oldest_id() const { return next_id - kept.size(); }
  [[nodiscard]] const std::string& text_of(std::uint64_t id) const { return kept[id - oldest_id()]; }

  const std::uint64_t first_id;  // of this process
  std::uint64_t next_id;
  std::deque<std::string> kept;  // the events before next_id
  std::unordered_set<Listener*> listeners;
  base::Counter published, lost;
};

// A place in what is kept. It has no queue of its own.
class Events::Listener final : public Stream {
 public:
  explicit Listener(std::shared_ptr<State> state) : state_(std::move(state)), next_id_(state_->next_id) {
    state_->listeners.insert(this);
  }
  ~Listener() override { state_->listeners.erase(this); }

  // An id that this process cannot have given is of an earlier one, whose events nobody can count.
  void go_on_after(std::uint64_t id) {
    is_of_another_process_ = id >= state_->next_id || id + 1 < state_->first_id;
    next_id_ = id + 1;
  }

  [[nodiscard]] std::string take() override {
    std::string piece(greeted_ ? "" : kGreeting);
    greeted_ = true;
    if (is_of_another_process_ || next_id_ < state_->oldest_id()) piece += skip_lost();
    for (std::size_t i = 0; i < kEventsAPiece && next_id_ < state_->next_id && piece.size() < kPieceBytes; ++i) {
      piece += state_->text_of(next_id_++);
    }
    return piece;
  }
  [[nodiscard]] std::string heartbeat() const override { return std::string(kHeartbeat); }
  void on_more(std::function<void()> wake) override { wake_ = std::move(wake); }

  void wake() const {
    if (wake_) wake_();
  }

 private:
  // Its id is that of the last one lost, so that who goes on after it gets what follows.
  std::string skip_lost() {
    const std::uint64_t oldest = state_->oldest_id();
    boost::json::object data{{"count", nullptr}};
    if (!is_of_another_process_) {
      data["count"] = oldest - next_id_;
      state_->lost.add(oldest - next_id_);
    }
    is_of_another_process_ = false;
    next_id_ = oldest;
    return event_text(oldest - 1, "lost", data_text(std::move(data)));
  }

  const std::shared_ptr<State> state_;
  std::uint64_t next_id_;
  std::function<void()> wake_;
  bool greeted_ = false;
  bool is_of_another_process_ = false;
};

Events::Events() : Events(microseconds_since_1970()) {}
Events::Events(std::uint64_t first_id) : state_(std::make_shared<State>(first_id)) {}
Events::~Events() = default;

void Events::publish(std::string_view type, boost::json::object data) {
  State& state = *state_;
  state.kept.push_back(event_text(state.next_id, type, data_text(std::move(data))));
  ++state.next_id;
  if (state.kept.size() > kEventsKept) state.kept.pop_front();
  state.published.add();
  for (const Listener* listener : state.listeners) listener->wake();
}

//= HTML 9.2.4
Response Events::answer(const Request& request) {
  auto listener = std::make_shared<Listener>(state_);
  if (const std::string* const last = request.find_header("Last-Event-ID")) {
    const auto id = parse_event_id(*last);
    if (!id) return problem(400, "the Last-Event-ID " + printable(*last) + " is not the id of an event: a number");
    listener->go_on_after(*id);
  }
  Response response{.content_type = "text/event-stream"};
  response.headers = {{"Cache-Control", "no-cache"}, {"X-Accel-Buffering", "no"}};
  response.stream = std::move(listener);
  return response;
}

const base::Counter& Events::published() const noexcept { return state_->published; }
const base::Counter& Events::lost() const noexcept { return state_->lost; }

base::Result<std::uint64_t> parse_event_id(std::string_view text) {
  std::uint64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size()) {
    return base::Error{base::Errc::malformed, base::Side::client, 0, "event id"};
  }
  return id;
}

}  // namespace holdfast::control
