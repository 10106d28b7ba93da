// auth/chain.h: who a client is: the modules of [[auth.chain]], asked one after the other.
//
//   a module says       then
//   ok, ok_superuser    that is it
//   any other refusal        that is it
//   ignore              the next one is asked
//   error               the next one is asked; where no other knows the client, the answer is `error`, whatever
//                       `anonymous` says: a database that is gone lets nobody in, and nobody out who stands elsewhere
//
// When all have ignored it, `anonymous` decides. Who is let in like that is nobody in particular: the user name that it
// gives has been vouched for by no one, so `user` of the answer is empty, and no rule of the ACL is about it.
//
// Thread:   the control thread. Cost: some microseconds, but for what the modules do; passwords that are not known from
//           a moment ago wait for PasswordChecker.
// Limits:   auth.pending_max checks wait; further clients are told `busy` in the next turn. An address of which too
//           many logins have failed is told so, before any module is asked (failed_logins.h).
// Lifetime: made after the runtime and destroyed before it. Completions that are outstanding then are never called.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "auth/failed_logins.h"
#include "auth/files.h"
#include "auth/module.h"
#include "auth/password_checker.h"
#include "config/settings.h"
#include "control/runtime.h"

namespace holdfast::auth {

// What became of it; never `ignore`.
struct Answer {
  Verdict verdict = Verdict::error;
  std::string user;  // whom a module has vouched for; empty: nobody, or the client is refused
  friend bool operator==(const Answer&, const Answer&) = default;
};

using Completion = std::function<void(Answer)>;

class Chain {
 public:
  // The modules of `settings`, with the files that were loaded for them.
  Chain(control::Runtime& runtime, const config::Auth& settings, const Files& files);
  ~Chain();
  Chain(const Chain&) = delete;
  Chain& operator=(const Chain&) = delete;

  // One more, behind the others.
  void add(std::shared_ptr<Module> module);
  // Files that were loaded for the same settings take the place of the former ones, for clients that come from now on.
  void use(const Files& files);

  // Calls `completion` once, on the control thread, in a later turn.
  void authenticate(Credentials credentials, Completion completion);

  struct Counts {
    std::array<std::uint64_t, kVerdicts> answers_total{};  // by Verdict
    double seconds_total = 0;                              // from the question to the answer, of all answers
    std::uint64_t under_way = 0;
    PasswordChecker::Counts passwords;
    FailedLogins::Counts failures;
  };
  [[nodiscard]] Counts counts() const;

 private:
  struct State;
  static control::Task<> ask(std::shared_ptr<State> state, std::uint64_t id,
                             std::shared_ptr<const Credentials> credentials, Completion completion);
  static control::Task<Answer> decide(std::shared_ptr<State> state, std::shared_ptr<const Credentials> credentials);

  control::Runtime& runtime_;
  std::shared_ptr<State> state_;
};

}  // namespace holdfast::auth
