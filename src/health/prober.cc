#include "health/prober.h"

#include <algorithm>
#include <boost/asio.hpp>
#include <cstdlib>
#include <deque>
#include <map>
#include <unordered_map>
#include <utility>

#include "base/random.h"
#include "base/time.h"

namespace holdfast::health {
namespace asio = boost::asio;
namespace {

// The timetable waits for its first entry when that is later than this, so no more of it ever begins in one go.
constexpr std::chrono::milliseconds kLateMax{50};
constexpr std::chrono::milliseconds kPauseMin{1};

}  // namespace

// Shared by the Prober and the coroutines of its probes, which end after it.
//
// Times are those of the timetable: the clock, less all the time that the timetable stood still (`lag`).
struct Prober::State : std::enable_shared_from_this<State> {
  enum class Kind : std::uint8_t { check, agent };
  struct Question;
  using Timetable = std::multimap<base::Time, std::shared_ptr<Question>>;

  // What a target is asked again and again. It is in the timetable, or in line, or under way.
  struct Question {
    Kind kind = Kind::check;
    std::uint32_t target = 0;
    Target whom;
    base::Time began;
    Timetable::iterator place;  // while scheduled
    bool scheduled = false;
    bool forgotten = false;
    control::Job job;
  };
  struct Watched {
    std::shared_ptr<Question> check;
    std::shared_ptr<Question> agent;  // null when none is asked
  };
  // Counts a probe from its start to the end of its coroutine, however that comes.
  struct InFlight {
    explicit InFlight(std::shared_ptr<State> owner) : state(std::move(owner)) { ++state->in_flight; }
    ~InFlight() {
      --state->in_flight;
      state->start_waiting();
    }
    InFlight(const InFlight&) = delete;
    InFlight& operator=(const InFlight&) = delete;
    const std::shared_ptr<State> state;
  };

  State(control::Runtime& owner, std::shared_ptr<const config::Health> how, OnResult result, OnAgent agent)
      : runtime(owner),
        settings(std::move(how)),
        on_result(std::move(result)),
        on_agent(std::move(agent)),
        timer(owner.context()),
        random(static_cast<std::uint64_t>(base::Clock::now().time_since_epoch().count())) {}

  static control::Task<> run(std::shared_ptr<State> self, std::shared_ptr<Question> question,
                             std::shared_ptr<InFlight> in_flight);
  std::shared_ptr<Question> ask(Kind kind, std::uint32_t target, Target whom, std::chrono::milliseconds first_after);
  void schedule(const std::shared_ptr<Question>& question, base::Time time);
  void arm();
  void on_timer();
  void start_waiting();
  void start(const std::shared_ptr<Question>& question);
  void report(const std::shared_ptr<Question>& question, const Outcome& outcome);
  void drop(const std::shared_ptr<Question>& question);
  [[nodiscard]] bool asks_agents() const { return settings->agent_port != 0 && on_agent; }
  void change_agent(std::uint32_t target, Watched& of, std::chrono::milliseconds first_after);
  void hasten(const std::shared_ptr<Question>& question, base::Time latest, std::chrono::milliseconds after);
  base::Time now();

  control::Runtime& runtime;
  std::shared_ptr<const config::Health> settings;
  const OnResult on_result;
  const OnAgent on_agent;
  asio::steady_timer timer;
  base::Random random;
  base::Duration lag{};
  Timetable timetable;
  std::deque<std::shared_ptr<Question>> line;
  std::unordered_map<std::uint32_t, Watched> watched;
  std::size_t in_flight = 0;
  std::uint64_t probes = 0;
  std::uint64_t failures = 0;
  ProbeHistogram durations;
  bool over = false;
};

// What is due is taken out at once, so an entry that is late means that the control thread was.
base::Time Prober::State::now() {
  const base::Time time = base::Clock::now() - lag;
  if (timetable.empty() || time <= timetable.begin()->first + kLateMax) return time;
  lag += time - (timetable.begin()->first + kLateMax);
  return timetable.begin()->first + kLateMax;
}

control::Task<> Prober::State::run(std::shared_ptr<State> self, std::shared_ptr<Question> question,
                                   std::shared_ptr<InFlight>) {
  control::Task<Outcome> task =
      question->kind == Kind::check ? probe(self->settings, question->whom) : ask_agent(self->settings, question->whom);
  const Outcome outcome = co_await std::move(task);
  self->report(question, outcome);
}

std::shared_ptr<Prober::State::Question> Prober::State::ask(Kind kind, std::uint32_t target, Target whom,
                                                            std::chrono::milliseconds first_after) {
  auto question = std::make_shared<Question>();
  question->kind = kind;
  question->target = target;
  question->whom = std::move(whom);
  schedule(question, now() + first_after);
  return question;
}

void Prober::State::schedule(const std::shared_ptr<Question>& question, base::Time time) {
  question->place = timetable.emplace(time, question);
  question->scheduled = true;
  if (question->place == timetable.begin()) arm();
}

void Prober::State::arm() {
  if (timetable.empty()) return;
  timer.expires_at(timetable.begin()->first + lag);
  timer.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
    if (!error && !self->over) self->on_timer();
  });
}

void Prober::State::on_timer() {
  const base::Time time = now();
  while (!timetable.empty() && timetable.begin()->first <= time) {
    timetable.begin()->second->scheduled = false;
    line.push_back(std::move(timetable.begin()->second));
    timetable.erase(timetable.begin());
  }
  start_waiting();
  arm();
}

void Prober::State::start_waiting() {
  while (!over && !line.empty() && in_flight < kInFlightMax) {
    const std::shared_ptr<Question> question = std::move(line.front());
    line.pop_front();
    start(question);
  }
}

void Prober::State::start(const std::shared_ptr<Question>& question) {
  question->began = now();
  const std::shared_ptr<State> self = shared_from_this();
  question->job = runtime.spawn("health probe", run(self, question, std::make_shared<InFlight>(self)));
}

void Prober::State::report(const std::shared_ptr<Question>& question, const Outcome& outcome) {
  if (over || question->forgotten) return;
  std::chrono::milliseconds delay{};
  if (question->kind == Kind::check) {
    ++probes;
    if (!outcome.passed) ++failures;
    if (outcome.asked) durations.record(outcome.took);
    delay = on_result(question->target, outcome);
  } else {
    delay = jittered(config::milliseconds(settings->interval), settings->jitter, random);
    on_agent(question->target, outcome);
  }
  if (over || question->forgotten) return;  // by the callback
  schedule(question, std::max<base::Time>(question->began + delay, now() + kPauseMin));
}

void Prober::State::drop(const std::shared_ptr<Question>& question) {
  if (question == nullptr) return;
  question->forgotten = true;
  if (question->scheduled) {
    timetable.erase(question->place);
  } else {
    std::erase(line, question);
  }
  question->scheduled = false;
  question->job.cancel();
}

void Prober::State::change_agent(std::uint32_t target, Watched& of, std::chrono::milliseconds first_after) {
  if (asks_agents() == (of.agent != nullptr)) return;
  if (of.agent == nullptr) {
    of.agent = ask(Kind::agent, target, of.check->whom, first_after);
  } else {
    drop(std::exchange(of.agent, nullptr));
  }
}

void Prober::State::hasten(const std::shared_ptr<Question>& question, base::Time latest,
                           std::chrono::milliseconds after) {
  if (question == nullptr || !question->scheduled || question->place->first <= latest) return;
  timetable.erase(question->place);
  schedule(question, now() + after);
}

Prober::Prober(control::Runtime& runtime, std::shared_ptr<const config::Health> settings, OnResult on_result,
               OnAgent on_agent) {
  runtime.assert_control_thread();
  state_ = std::make_shared<State>(runtime, std::move(settings), std::move(on_result), std::move(on_agent));
}

Prober::~Prober() {
  state_->over = true;
  state_->timer.cancel();
  for (const auto& [target, watched] : state_->watched) {
    state_->drop(watched.check);
    state_->drop(watched.agent);
  }
  state_->watched.clear();
}

void Prober::watch(std::uint32_t target, Target whom, std::chrono::milliseconds first_after) {
  state_->runtime.assert_control_thread();
  const auto [place, is_new] = state_->watched.try_emplace(target);
  if (!is_new) std::abort();
  if (state_->asks_agents()) {
    place->second.agent = state_->ask(State::Kind::agent, target, whom, first_after);
  }
  place->second.check = state_->ask(State::Kind::check, target, std::move(whom), first_after);
}

void Prober::set_settings(std::shared_ptr<const config::Health> settings) {
  state_->runtime.assert_control_thread();
  state_->settings = std::move(settings);
  const auto interval = config::milliseconds(state_->settings->interval);
  const base::Time latest =
      state_->now() + std::chrono::duration_cast<base::Duration>(interval * (1 + state_->settings->jitter));
  std::uint32_t number = 0;
  for (auto& [target, watched] : state_->watched) {
    const auto after = spread(number++, interval);
    state_->change_agent(target, watched, after);
    state_->hasten(watched.check, latest, after);
    state_->hasten(watched.agent, latest, after);
  }
}

void Prober::change(std::uint32_t target, Target whom) {
  state_->runtime.assert_control_thread();
  const auto found = state_->watched.find(target);
  if (found == state_->watched.end()) return;
  if (found->second.agent != nullptr) found->second.agent->whom = whom;
  found->second.check->whom = std::move(whom);
}

void Prober::forget(std::uint32_t target) {
  state_->runtime.assert_control_thread();
  const auto found = state_->watched.find(target);
  if (found == state_->watched.end()) return;
  const State::Watched watched = std::move(found->second);
  state_->watched.erase(found);
  state_->drop(watched.check);
  state_->drop(watched.agent);
}

std::size_t Prober::targets() const noexcept { return state_->watched.size(); }
std::size_t Prober::in_flight() const noexcept { return state_->in_flight; }
std::size_t Prober::waiting() const noexcept { return state_->line.size(); }
std::uint64_t Prober::probes_total() const noexcept { return state_->probes; }
std::uint64_t Prober::failures_total() const noexcept { return state_->failures; }
const ProbeHistogram& Prober::durations() const noexcept { return state_->durations; }

}  // namespace holdfast::health
