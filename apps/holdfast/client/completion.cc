// holdfast completion: the script that makes a shell complete command lines; holdfast complete: what that script asks.
#include <fmt/format.h>

#include <boost/json.hpp>
#include <memory>

#include "client/client.h"
#include "client/complete.h"
#include "client/fields.h"
#include "client/table.h"

namespace holdfast::app {
namespace {

constexpr const char* kBash = R"(# bash completion for holdfast, made by: holdfast completion bash
_holdfast() {
  local words=() word line glued='' i
  # Bash cuts words at ":" and "="; here they are whole again.
  for ((i = 1; i <= COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if ((${#words[@]} > 0)) && [[ -n $glued || $word == [:=]* ]]; then
      words[${#words[@]} - 1]+=$word
    else
      words+=("$word")
    fi
    [[ $word == *[:=] ]] && glued=1 || glued=''
  done
  local current=${words[${#words[@]} - 1]} cut=''
  [[ $current == *[:=]* ]] && cut=${current%"${current##*[:=]}"}
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == :files ]]; then
      compopt -o filenames 2> /dev/null
      while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "${current#"$cut"}")
    else
      line=${line%%$'\t'*}
      COMPREPLY+=("${line#"$cut"}")
    fi
  done < <("${COMP_WORDS[0]}" complete -- "${words[@]}" 2> /dev/null)
}
complete -F _holdfast holdfast
)";

constexpr const char* kZsh = R"(#compdef holdfast
# zsh completion for holdfast, made by: holdfast completion zsh
_holdfast() {
  local line
  local -a described
  for line in "${(@f)$("${words[1]}" complete -- "${(@)words[2,CURRENT]}" 2> /dev/null)}"; do
    if [[ $line == :files ]]; then
      _files
    elif [[ -n $line ]]; then
      described+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
    fi
  done
  (( ${#described} )) && _describe holdfast described
}
if [[ $funcstack[1] == _holdfast ]]; then _holdfast "$@"; else compdef _holdfast holdfast; fi
)";

constexpr const char* kFish = R"(# fish completion for holdfast, made by: holdfast completion fish
function __holdfast_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for line in ($words[1] complete -- $words[2..-1] "$current" 2> /dev/null)
        if test "$line" = :files
            __fish_complete_path "$current"
        else
            echo $line
        end
    end
end
complete -c holdfast -f -a '(__holdfast_complete)'
)";

const char* script_of(const std::string& shell) {
  if (shell == "bash") return kBash;
  return shell == "zsh" ? kZsh : kFish;
}

void print_candidate(const std::string& text, const std::string& about) {
  print(fmt::format("{}\t{}\n", clean(text), clean(about)));
}

// Names that the process knows. Asked while somebody types: a process that does not answer soon has none.
class Names {
 public:
  Names(const std::vector<std::string>& words, const Completion& completion) : completion_(completion) {
    access_.socket = value_of(words, "--socket");
    access_.admin = value_of(words, "--admin");
    access_.token_file = value_of(words, "--token-file");
    access_.timeout = std::chrono::seconds{1};
    // "server POOL remove" asks for names of that pool.
    for (std::size_t i = 0; i + 2 < words.size(); ++i) {
      if (words[i] == "server" && words[i + 2] == "remove") pool_ = words[i + 1];
    }
  }

  void print_all() const {
    const Client client(access_);
    if (completion_.kind == "LISTENER") return print_names(client.get("/v1/listeners").json, "");
    const auto pools = client.get("/v1/pools").json;
    if (completion_.kind == "POOL" || completion_.kind == "POOL/NAME") print_names(pools, "");
    if (completion_.kind == "POOL") return;
    for (const auto& pool : list_at(pools, "")) {
      const std::string name = text_at(pool, "name");
      if (!pool_.empty() && name != pool_) continue;
      print_names(client.get("/v1/pools/" + control::encode_percent(name) + "/servers").json,
                  completion_.kind == "POOL/NAME" ? name + "/" : "");
    }
  }

 private:
  void print_names(const boost::json::value& list, const std::string& before) const {
    for (const auto& each : list_at(list, "")) {
      const std::string name = before + text_at(each, "name");
      if (name.starts_with(completion_.current)) print_candidate(completion_.prefix + name, text_at(each, "state"));
    }
  }

  const Completion& completion_;
  Access access_;
  std::string pool_;
};

bool is_known_to_the_process(const std::string& kind) {
  return kind == "LISTENER" || kind == "POOL" || kind == "POOL/NAME" || kind == "NAME";
}

void complete_command(const CLI::App& program, const std::vector<std::string>& words) {
  const Completion completion = complete(program, words);
  for (const Candidate& each : completion.candidates) print_candidate(each.text, each.about);
  if (completion.kind == "FILE" || completion.kind == "PATH") print(":files\n");
  if (is_known_to_the_process(completion.kind)) Names(words, completion).print_all();
}

}  // namespace

void add_completion_command(CLI::App& program, int& status) {
  auto shell = std::make_shared<std::string>();
  CLI::App* command = program.add_subcommand("completion", "Print the script that completes commands in a shell");
  command->add_option("SHELL", *shell, "which shell")
      ->required()
      ->check([](const std::string& text) {
        return text == "bash" || text == "zsh" || text == "fish" ? "" : "must be bash, zsh or fish";
      })
      ->type_name("bash|zsh|fish");
  command->footer(
      "Examples:\n"
      "  source <(holdfast completion bash)\n"
      "  holdfast completion zsh > ~/.zfunc/_holdfast\n"
      "  holdfast completion fish > ~/.config/fish/completions/holdfast.fish\n"
      "\n"
      "Names of listeners, pools and servers are asked of the running process.");
  command->callback([shell, &status] { status = run_command("completion", [&] { print(script_of(*shell)); }); });
}

void add_complete_command(CLI::App& program, int& status) {
  auto words = std::make_shared<std::vector<std::string>>();
  CLI::App* command = program.add_subcommand("complete", "Print what the last word of a command line can become");
  command->group("");
  command->add_option("WORDS", *words, "the words after the program's name, the last as far as it is typed")
      ->type_name("WORD");
  command->callback([&program, words, &status] {
    try {
      complete_command(program, *words);
      status = kDone;
    } catch (const CommandFailed& failure) {
      status = failure.status();  // nothing is said into a line that somebody types
    }
  });
}

}  // namespace holdfast::app
