// holdfast password: the hash of a password, for the file of users.
#include <fmt/format.h>
#include <string.h>  // explicit_bzero
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "auth/password.h"
#include "client/client.h"
#include "commands.h"

namespace holdfast::app {
namespace {

constexpr const char* kMore =
    "The hash is one line on standard output. It goes into the file that [[auth.chain]] names:\n"
    "  [[user]]\n"
    "  name = \"sensor-7\"\n"
    "  password_hash = \"$2b$10$...\"\n"
    "\n"
    "  holdfast password                      asks twice, and shows nothing of what is typed\n"
    "  head -c 24 /dev/urandom | base64 | tee secret | holdfast password";

struct Options {
  std::string method = "bcrypt";
  std::uint32_t cost = 0;
};

// While it lives, the terminal shows nothing of what is typed, and Ctrl-C ends the reading, not the process.
class Hidden {
 public:
  Hidden() {
    struct sigaction action {};
    action.sa_handler = [](int) {};
    ::sigaction(SIGINT, &action, &signals_);
    ::tcgetattr(STDIN_FILENO, &shown_);
    termios hidden = shown_;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
  }
  ~Hidden() {
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown_);
    ::sigaction(SIGINT, &signals_, nullptr);
    std::fputc('\n', stderr);
  }
  Hidden(const Hidden&) = delete;
  Hidden& operator=(const Hidden&) = delete;

 private:
  termios shown_{};
  struct sigaction signals_ {};
};

// A password that is not left behind in memory.
struct Secret {
  Secret() = default;
  ~Secret() { ::explicit_bzero(text.data(), text.size()); }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  [[nodiscard]] std::string_view view() const { return {text.data(), size}; }

  std::array<char, auth::kPasswordBytesMax + 2> text{};
  std::size_t size = 0;
};

// One line without its end; a byte more than a password may have is read, so that it is found to be too long.
void read_line(Secret& into) {
  while (into.size < into.text.size()) {
    char c = 0;
    const ssize_t got = ::read(STDIN_FILENO, &c, 1);
    if (got < 0) throw CommandFailed(kFailed, errno == EINTR ? "interrupted" : "the password cannot be read");
    if (got == 0 || c == '\n') break;
    into.text[into.size++] = c;
  }
  if (into.size > 0 && into.text[into.size - 1] == '\r') --into.size;
}

void ask_terminal(const char* prompt, Secret& into) {
  const Hidden hidden;
  std::fputs(prompt, stderr);
  read_line(into);
}

void read_password(Secret& into) {
  if (::isatty(STDIN_FILENO) == 0) return read_line(into);
  Secret again;
  ask_terminal("Password: ", into);
  ask_terminal("Again: ", again);
  if (into.view() != again.view()) throw CommandFailed(kFailed, "these are two different passwords");
}

auth::HashMethod method_of(const std::string& name) {
  if (name == "yescrypt") return auth::HashMethod::yescrypt;
  return name == "sha512" ? auth::HashMethod::sha512 : auth::HashMethod::bcrypt;
}

void print_hash(const Options& options) {
  const auth::HashMethod method = method_of(options.method);
  Secret password;
  read_password(password);
  if (password.size == 0) throw CommandFailed(kUsageOrFaults, "the password is empty");
  const auto hash = auth::make_hash(password.view(), method, options.cost);
  if (!hash && hash.error().code == base::Errc::malformed) {
    const std::size_t bytes_max = method == auth::HashMethod::bcrypt ? auth::kBcryptBytesMax : auth::kPasswordBytesMax;
    throw CommandFailed(kUsageOrFaults,
                        fmt::format("{} takes passwords of at most {} bytes, without NUL", options.method, bytes_max));
  }
  if (!hash) {
    throw CommandFailed(kUsageOrFaults, fmt::format("{} has no cost of {}; crypt(5) says which there are",
                                                    options.method, options.cost));
  }
  print(*hash + "\n");
}

}  // namespace

void add_password_command(CLI::App& program, int& status) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand("password", "Make the hash of a password, for a file of users");
  command->add_option("--method", options->method, "How it is hashed")
      ->check(CLI::IsMember({"bcrypt", "yescrypt", "sha512"}))
      ->capture_default_str();
  command
      ->add_option("--cost", options->cost, "How hard: for bcrypt 4 to 31, each one twice the time; 0: what is usual")
      ->capture_default_str();
  command->footer(kMore);
  command->callback([options, &status] { status = run_command("password", [&] { print_hash(*options); }); });
}

}  // namespace holdfast::app
