#include "discovery/file_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio.hpp>
#include <cstdlib>
#include <future>
#include <optional>
#include <thread>
#include <utility>

#include "base/log.h"
#include "base/thread.h"
#include "base/time.h"
#include "base/units.h"
#include "control/thread_pool.h"
#include "control/ticker.h"
#include "discovery/directory_watch.h"
#include "discovery/first_look.h"
#include "discovery/list_in_use.h"
#include "discovery/settling.h"

namespace holdfast::discovery {
namespace asio = boost::asio;
namespace {

using Alarm = SourceStatus::Alarm;
using base::Clock;
using std::chrono::milliseconds;

constexpr milliseconds kHintGap{50};  // a busy directory makes no more looks than this allows
// One thread each, so that a data directory that hangs does not keep anybody from looking, nor the other way round.
constexpr control::ThreadPoolLimits kOneThread{.threads = 1, .waiting_calls_max = 1};

std::filesystem::path directory_of(const std::filesystem::path& file) {
  return file.has_parent_path() ? file.parent_path() : ".";
}

std::string no_answer(milliseconds patience) {
  return fmt::format("the file system does not answer within {}", base::to_text(patience));
}

// Calls what can block on a thread of its own, and leaves it there when it takes longer. Start-up only.
template <typename Call>
std::optional<std::invoke_result_t<Call&>> call_within(milliseconds patience, Call call) {
  std::packaged_task<std::invoke_result_t<Call&>()> task(std::move(call));
  auto result = task.get_future();
  std::thread([task = std::move(task)]() mutable {
    base::begin_thread("discovery");
    task();
  }).detach();
  if (result.wait_for(patience) != std::future_status::ready) return std::nullopt;
  return result.get();
}

}  // namespace

class FileSource::State : public std::enable_shared_from_this<State> {
 public:
  State(control::Runtime& runtime, std::string pool, const config::Discovery& settings, std::filesystem::path keep,
        OnChange on_change, FileSourceTimes times)
      : runtime_(runtime),
        pool_(std::move(pool)),
        path_(settings.path),
        keep_(std::move(keep)),
        times_(times),
        list_(pool_, "file " + settings.path, settings.allow_shrink ? Shrink::at_once : Shrink::step_by_step,
              std::move(on_change)),
        settling_({times.settle, times.restless, times.reread}),
        timer_(runtime.context()) {}

  void start();
  void follow(Copy copy);
  void stop();
  [[nodiscard]] SourceStatus status() const { return list_.status(); }

 private:
  void begin();
  void read_first();
  void read_copy();
  void use_copy(LastGoodCopy copy);
  static control::Task<> watch(std::shared_ptr<State> self);
  static control::Task<> look(std::shared_ptr<State> self);
  static control::Task<> read(std::shared_ptr<State> self, FileState state);
  static control::Task<> read_copy_later(std::shared_ptr<State> self);
  static control::Task<> pause(std::shared_ptr<State> self);
  static control::Task<> keep_copies(std::shared_ptr<State> self);
  bool is_kept(const base::Result<void>& kept);
  void confirm();
  void give_up(std::string error);
  void take(const SourceText& text);
  void after_change(bool is_new);
  void look_at_latest(base::Time time);
  void on_hint();

  control::Runtime& runtime_;
  const std::string pool_;
  const std::filesystem::path path_;
  const std::filesystem::path keep_;
  const FileSourceTimes times_;
  ListInUse list_;
  Settling settling_;
  bool started_ = false;
  bool may_use_copy_ = false;  // once, when the first look of follow() finds no list
  bool over_ = false;

  std::optional<control::ThreadPool> looks_;
  std::optional<DirectoryWatch> hints_;
  control::Job watching_;
  asio::steady_timer timer_;  // of the pause between two looks
  base::Time looked_at_;      // when the last look began
  base::Time next_look_;
  bool is_accepted_ = false;  // what was last read

  std::optional<control::ThreadPool> copies_;
  control::Job keeping_;
  bool is_keeping_ = false;
  bool copy_is_old_ = false;
  std::string copy_error_;

  std::optional<control::Ticker> steps_;  // while the list shrinks
};

void FileSource::State::begin() {
  if (std::exchange(started_, true)) std::abort();
  runtime_.assert_control_thread();
  hints_.emplace(runtime_, directory_of(path_), [this] { on_hint(); });
  looks_.emplace(runtime_, kOneThread);
  copies_.emplace(runtime_, kOneThread);
  if (hints_->inotify()->fd() < 0) {
    base::log_info("no inotify instance is left; the file is only looked at every now and then",
                   {{"pool", pool_}, {"file", path_.native()}});
  }
}

void FileSource::State::start() {
  const auto self = shared_from_this();
  begin();
  read_first();
  if (over_) return;
  if (list_.is_empty()) read_copy();
  if (!over_) watching_ = runtime_.spawn("discovery", watch(self));
}

void FileSource::State::follow(Copy copy) {
  begin();
  may_use_copy_ = copy == Copy::use;
  watching_ = runtime_.spawn("discovery", watch(shared_from_this()));
}

void FileSource::State::read_first() {
  const Settling::Limits limits{times_.settle, std::min(times_.restless, times_.patience / 2), times_.reread};
  auto call = [path = path_, limits, inotify = hints_->inotify()] {
    inotify->follow();
    return first_look(path, limits);
  };
  auto text = call_within(times_.patience, std::move(call));
  if (text) return take(*text);
  list_.refuse(Alarm::unreadable, no_answer(times_.patience));
}

void FileSource::State::read_copy() {
  auto copy = call_within(times_.patience, [path = keep_] { return read_last_good(path); });
  if (!copy) copy.emplace(LastGoodCopy{std::nullopt, no_answer(times_.patience)});
  use_copy(std::move(*copy));
}

void FileSource::State::use_copy(LastGoodCopy copy) {
  if (!copy.error.empty()) {
    base::log_error("the kept list of servers is of no use",
                    {{"pool", pool_}, {"file", keep_.native()}, {"error", copy.error}});
  }
  if (copy.last_good) list_.use_copy(std::move(*copy.last_good));
}

control::Task<> FileSource::State::read_copy_later(std::shared_ptr<State> self) {
  auto call = [path = self->keep_]() -> base::Result<LastGoodCopy> { return read_last_good(path); };
  base::Result<LastGoodCopy> copy = co_await self->copies_->run(std::move(call), self->times_.patience);
  if (self->over_ || !self->list_.is_empty()) co_return;
  self->use_copy(copy ? std::move(*copy) : LastGoodCopy{std::nullopt, no_answer(self->times_.patience)});
}

void FileSource::State::stop() {
  over_ = true;
  hints_.reset();
  steps_.reset();
  watching_.cancel();
  keeping_.cancel();
  timer_.cancel();
  looks_.reset();
  copies_.reset();
}

control::Task<> FileSource::State::watch(std::shared_ptr<State> self) {
  while (!self->over_) {
    self->looked_at_ = Clock::now();
    self->next_look_ = self->looked_at_ + self->times_.poll;
    co_await look(self);
    const bool found_nothing = !self->over_ && self->list_.is_empty() && !self->list_.status().error.empty();
    if (found_nothing && std::exchange(self->may_use_copy_, false)) co_await read_copy_later(self);
    if (!self->over_) co_await pause(self);
  }
}

control::Task<> FileSource::State::look(std::shared_ptr<State> self) {
  auto call = [path = self->path_, inotify = self->hints_->inotify()]() -> base::Result<FileState> {
    inotify->follow();
    return look_at(path);
  };
  const base::Result<FileState> state = co_await self->looks_->run(std::move(call), self->times_.patience);
  if (self->over_) co_return;
  if (!state) co_return self->give_up(no_answer(self->times_.patience));
  switch (self->settling_.see(*state, Clock::now())) {
    case Settling::Next::nothing: co_return self->confirm();
    case Settling::Next::complain: self->give_up(kRestless); [[fallthrough]];
    case Settling::Next::look_again: co_return self->look_at_latest(self->settling_.due());
    case Settling::Next::read: break;
  }
  co_await read(self, *state);
}

control::Task<> FileSource::State::read(std::shared_ptr<State> self, FileState state) {
  auto call = [path = self->path_]() -> base::Result<SourceText> { return read_source(path); };
  const base::Result<SourceText> text = co_await self->looks_->run(std::move(call), self->times_.patience);
  if (self->over_) co_return;
  if (!text) co_return self->give_up(no_answer(self->times_.patience));
  if (text->state != state) co_return self->look_at_latest(Clock::now() + kHintGap);  // it has not settled after all
  self->take(*text);
}

control::Task<> FileSource::State::pause(std::shared_ptr<State> self) {
  while (!self->over_ && Clock::now() < self->next_look_) {
    boost::system::error_code ignored;  // on_hint() cancels the wait
    self->timer_.expires_at(self->next_look_);
    co_await self->timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
}

control::Task<> FileSource::State::keep_copies(std::shared_ptr<State> self) {
  while (!self->over_ && self->copy_is_old_) {
    self->copy_is_old_ = false;
    auto call = [path = self->keep_, last_good = self->list_.last_good()] { return keep(path, last_good); };
    const base::Result<void> kept = co_await self->copies_->run(std::move(call), self->times_.patience);
    if (self->over_) co_return;
    if (self->is_kept(kept)) continue;
    self->copy_is_old_ = true;  // until the next change, or until the file is read again
    break;
  }
  self->is_keeping_ = false;
}

bool FileSource::State::is_kept(const base::Result<void>& kept) {
  const std::string error = kept ? "" : kept.error().text();
  const bool is_news = std::exchange(copy_error_, error) != error;
  if (!kept && is_news) {
    base::log_error("the list of servers cannot be kept on disk",
                    {{"pool", pool_}, {"file", keep_.native()}, {"error", error}});
  }
  return kept.has_value();
}

void FileSource::State::confirm() {
  if (is_accepted_) list_.confirm();
}

void FileSource::State::give_up(std::string error) {
  settling_.unsettled();
  list_.refuse(Alarm::unreadable, std::move(error));
}

void FileSource::State::take(const SourceText& text) {
  is_accepted_ = text.alarm == Alarm::none;
  if (text.is_final) {
    settling_.settled(text.state, Clock::now());
  } else {
    settling_.unsettled();
  }
  if (!is_accepted_) return list_.refuse(text.alarm, text.error);
  after_change(list_.accept(text.list));
}

// on_change may have ended this.
void FileSource::State::after_change(bool is_new) {
  if (over_) return;
  if (!list_.is_shrinking()) {
    steps_.reset();
  } else if (!steps_) {
    steps_.emplace(runtime_, times_.shrink_step, [this] {
      const auto self = shared_from_this();
      after_change(list_.step());
    });
  }
  if (is_new) copy_is_old_ = true;
  if (!copy_is_old_ || is_keeping_) return;
  is_keeping_ = true;
  keeping_ = runtime_.spawn("keep a list of servers", keep_copies(shared_from_this()));
}

void FileSource::State::look_at_latest(base::Time time) { next_look_ = std::min(next_look_, time); }

void FileSource::State::on_hint() {
  look_at_latest(std::max(Clock::now(), looked_at_ + kHintGap));
  timer_.cancel();
}

FileSource::FileSource(control::Runtime& runtime, std::string pool, const config::Discovery& settings,
                       std::filesystem::path keep, OnChange on_change, FileSourceTimes times)
    : state_(
          std::make_shared<State>(runtime, std::move(pool), settings, std::move(keep), std::move(on_change), times)) {}

FileSource::~FileSource() { state_->stop(); }

void FileSource::start() {
  const auto state = state_;  // on_change may destroy this
  state->start();
}

void FileSource::follow(Copy copy) { state_->follow(copy); }

SourceStatus FileSource::status() const { return state_->status(); }

}  // namespace holdfast::discovery
