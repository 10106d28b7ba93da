#include "auth/chain.h"

#include <boost/asio.hpp>
#include <unordered_map>
#include <utility>

#include "auth/file_module.h"

namespace holdfast::auth {

using control::Task;

const char* name(Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::ok: return "ok";
    case Verdict::ok_superuser: return "ok_superuser";
    case Verdict::ignore: return "ignore";
    case Verdict::bad_credentials: return "bad_credentials";
    case Verdict::not_authorized: return "not_authorized";
    case Verdict::error: return "error";
    case Verdict::busy: return "busy";
    case Verdict::too_many_failures: break;
  }
  return "too_many_failures";
}

// Outlives the chain while a coroutine is on its way out.
struct Chain::State {
  State(control::Runtime& runtime, const config::Auth& settings)
      : failures(std::make_shared<FailedLogins>(settings)),
        checker(std::make_shared<PasswordChecker>(runtime, settings, failures)),
        anonymous(settings.anonymous) {}

  // What counts when no module knows the client.
  [[nodiscard]] Answer unknown(const Credentials& credentials) const {
    if (credentials.anonymous.value_or(anonymous) == config::Anonymous::allow) return {Verdict::ok, ""};
    return {credentials.user ? Verdict::bad_credentials : Verdict::not_authorized, ""};
  }

  // Who has no password guesses none.
  void note_failure(const Credentials& credentials, Verdict verdict) const {
    const bool failed = verdict == Verdict::bad_credentials || verdict == Verdict::not_authorized;
    if (failed && credentials.password) failures->note(credentials, base::Clock::now());
  }

  const std::shared_ptr<FailedLogins> failures;
  const std::shared_ptr<PasswordChecker> checker;
  const config::Anonymous anonymous;
  std::vector<std::shared_ptr<FileModule>> of_files;
  std::vector<std::shared_ptr<Module>> modules;
  std::unordered_map<std::uint64_t, control::Job> jobs;
  std::vector<std::uint64_t> ended;  // a job cannot be destroyed by itself, so the next call does it
  std::uint64_t last_id = 0;
  std::array<std::uint64_t, kVerdicts> answers_total{};
  double seconds_total = 0;
  bool over = false;
};

Chain::Chain(control::Runtime& runtime, const config::Auth& settings, const Files& files)
    : runtime_(runtime), state_(std::make_shared<State>(runtime, settings)) {
  for (const auto& users : files.users) {
    auto module = std::make_shared<FileModule>(users, state_->checker);
    state_->of_files.push_back(module);
    add(std::move(module));
  }
}

Chain::~Chain() {
  state_->over = true;
  state_->checker->close();
  state_->jobs.clear();
}

void Chain::add(std::shared_ptr<Module> module) { state_->modules.push_back(std::move(module)); }

void Chain::use(const Files& files) {
  for (std::size_t i = 0; i < state_->of_files.size() && i < files.users.size(); ++i) {
    state_->of_files[i]->use(files.users[i]);
  }
}

void Chain::authenticate(Credentials credentials, Completion completion) {
  runtime_.assert_control_thread();
  for (const std::uint64_t id : std::exchange(state_->ended, {})) state_->jobs.erase(id);
  const std::uint64_t id = ++state_->last_id;
  auto shared = std::make_shared<const Credentials>(std::move(credentials));
  state_->jobs.emplace(id, runtime_.spawn("authentication", ask(state_, id, std::move(shared), std::move(completion))));
}

Task<> Chain::ask(std::shared_ptr<State> state, std::uint64_t id, std::shared_ptr<const Credentials> credentials,
                  Completion completion) {
  const base::Time begun = base::Clock::now();
  const auto executor = co_await boost::asio::this_coro::executor;
  co_await boost::asio::post(executor, boost::asio::use_awaitable);  // else it would begin inside authenticate()
  if (state->over) co_return;
  Answer answer = co_await decide(state, credentials);
  if (state->over) co_return;
  state->note_failure(*credentials, answer.verdict);
  state->seconds_total += std::chrono::duration<double>(base::Clock::now() - begun).count();
  ++state->answers_total.at(static_cast<std::size_t>(answer.verdict));
  state->ended.push_back(id);
  completion(std::move(answer));
}

Task<Answer> Chain::decide(std::shared_ptr<State> state, std::shared_ptr<const Credentials> credentials) {
  if (state->failures->too_many(credentials->address, base::Clock::now()))
    co_return Answer{Verdict::too_many_failures, ""};
  const std::vector<std::shared_ptr<Module>> modules = state->modules;
  bool failed = false;
  for (const std::shared_ptr<Module>& module : modules) {
    const Verdict verdict = co_await module->authenticate(credentials);
    if (verdict == Verdict::ok || verdict == Verdict::ok_superuser) {
      co_return Answer{verdict, credentials->user.value_or("")};
    }
    if (verdict != Verdict::ignore && verdict != Verdict::error) co_return Answer{verdict, ""};
    failed = failed || verdict == Verdict::error;
  }
  if (failed) co_return Answer{Verdict::error, ""};
  co_return state->unknown(*credentials);
}

Chain::Counts Chain::counts() const {
  return {state_->answers_total, state_->seconds_total, state_->jobs.size() - state_->ended.size(),
          state_->checker->counts(), state_->failures->counts()};
}

}  // namespace holdfast::auth
