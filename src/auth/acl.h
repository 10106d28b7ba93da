// auth/acl.h: who may publish and subscribe to what: the rules of an ACL file, made ready for the question.
//
// An Acl is immutable. Control makes it and publishes it by a Snapshot; workers ask it. For each client a worker
// prepares an Identity, once: the rules that are about this client, with %u and %c in their filters expanded. When
// there is a newer Acl, fits() says so, and the Identity is prepared again.
//
// Which rule decides:
//   publish    the first one with a filter that matches the topic;
//   subscribe  the first one that allows a filter which covers the whole of the client's filter, or that denies one
//              which has any topic in common with it. So nobody gets a message by a wildcard that is denied by its
//              topic, and several rules that allow a part each do not allow the whole.
//   `eq`       the filter must be the client's, letter by letter; in a rule about publishing, the topic.
// Topics and filters are given as the client wrote them, before a mountpoint and after a rewrite. "$share/GROUP/",
// "$queue/" and "$exclusive/" before a filter, and "$delayed/SECONDS/" before a topic, are not part of the question.
//
// A name that could change what a filter means, because it is empty, has "/", "+" or "#", or begins with "$", is never
// part of one: a rule that allows something by %u or %c allows it nothing, and one that denies it denies for all names.
//
// Thread: pure; an Acl from any thread at once, an Identity from its owner's.
// Cost:   check() is linear in the rules about this client and allocates nothing; prepare() does. An Identity is 24
//         bytes, and owns nothing when no rule is about this client alone and no rule for all has %u or %c.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "auth/acl_text.h"
#include "base/cidr.h"
#include "base/hash.h"
#include "base/peer_address.h"

namespace holdfast::auth {

enum class Action : std::uint8_t { publish, subscribe };
enum class Rank : std::uint8_t { ordinary, superuser };

// Whom the rules are about. `user` is empty when nobody has vouched for it.
struct Who {
  std::string_view client_id;
  std::string_view user;
  base::PeerAddress address;
  Rank rank = Rank::ordinary;  // a superuser may do everything
};

struct Decision {
  Permission permission = Permission::deny;
  std::uint32_t line = 0;  // of the rule that decided; 0: none did
  friend bool operator==(const Decision&, const Decision&) = default;
};

class Identity {
 public:
  Identity() = default;  // fits no Acl

  // What it owns on the heap.
  [[nodiscard]] std::size_t memory_bytes() const noexcept;

 private:
  friend class Acl;
  struct Own;
  struct Delete {
    void operator()(Own* own) const noexcept;
  };

  std::unique_ptr<Own, Delete> own_;  // none: the rules for all
  std::uint64_t serial_ = 0;          // of the Acl that it was made for
  Rank rank_ = Rank::ordinary;
};

class Acl {
 public:
  // Of the rules of a file, and what counts where none decides.
  Acl(std::vector<Rule> rules, Permission no_match);
  // Allows everybody everything: there is no file.
  Acl() : Acl({}, Permission::allow) {}

  [[nodiscard]] Identity prepare(const Who& who) const;
  [[nodiscard]] bool fits(const Identity& identity) const noexcept { return identity.serial_ == serial_; }
  // An identity that does not fit is a programming error.
  [[nodiscard]] Decision check(const Identity& identity, Action action, std::string_view topic) const noexcept;

  [[nodiscard]] std::size_t rules() const noexcept { return rules_total_; }

 private:
  // One filter of one rule, in the order of the file.
  struct Entry {
    std::string text;
    std::uint32_t line = 0;
    Permission permission = Permission::deny;
    RuleAction action = RuleAction::all;
    bool literal = false;
    bool has_names = false;  // %u or %c
  };
  using Indices = std::vector<std::uint32_t>;
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return base::hash_text(text); }
    std::size_t operator()(const base::Cidr& network) const noexcept {
      return base::hash_bytes(std::as_bytes(std::span(network.bytes)), network.prefix);
    }
  };
  using ByName = std::unordered_map<std::string, Indices, Hash, std::equal_to<>>;

  void add(Rule rule);
  [[nodiscard]] Indices about(const Who& who) const;
  void append_of_address(const base::PeerAddress& address, Indices& to) const;

  std::vector<Entry> entries_;
  Indices for_all_;
  ByName by_user_;
  ByName by_client_;
  // Networks by themselves; `prefixes_` are the lengths that they have, so that an address is looked up once for each.
  std::unordered_map<base::Cidr, Indices, Hash> by_network_;
  std::vector<std::pair<base::Cidr::Family, std::uint8_t>> prefixes_;
  bool names_for_all_ = false;  // some entry in for_all_ has %u or %c
  Permission no_match_;
  std::size_t rules_total_ = 0;
  std::uint64_t serial_;  // of no other Acl of this process
};

}  // namespace holdfast::auth
