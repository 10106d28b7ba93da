#include "entry/greeting.h"

#include "net/address.h"

namespace holdfast::entry {
namespace {

using What = Verdict::What;

Verdict refused(RefuseReason reason) { return {What::refused, reason}; }

}  // namespace

Verdict Greeting::hear() {
  const net::IoResult got = newcomer_.transport.peek(scratch_);
  switch (got.status) {
    case net::IoStatus::again: return {What::wait};
    case net::IoStatus::end:
    case net::IoStatus::failed: return {What::probe};
    case net::IoStatus::ok: break;
  }
  return read(scratch_.first(got.bytes));
}

Verdict Greeting::read(std::span<const std::byte> input) {
  const wire::ProxyRead read = wire::read_proxy_header(input);
  if (read.status == wire::ProxyStatus::none) {
    return door_.proxy_protocol == config::ProxyIn::required ? refused(RefuseReason::proxy_missing) : let_in();
  }
  if (read.status == wire::ProxyStatus::more) return newcomer_.hangup ? cut(input) : Verdict{What::wait};
  if (!door_.admission.trusts(newcomer_.client)) return refused(RefuseReason::proxy_untrusted);
  if (read.status == wire::ProxyStatus::malformed) return refused(RefuseReason::proxy_malformed);
  return take(read);
}

Verdict Greeting::take(const wire::ProxyRead& read) {
  if (newcomer_.transport.read(scratch_.first(read.bytes)).bytes != read.bytes) return {What::reset};
  const bool is_own = names_nobody(read.header);
  if (read.header.source.family != base::PeerAddress::Family::none) {
    newcomer_.client = read.header.source;
    newcomer_.destination = read.header.destination;
  }
  if (!is_own) return let_in();
  const Verdict verdict = hear_more();
  return verdict.what == What::wait ? Verdict{What::check} : verdict;
}

// LOCAL, UNKNOWN, or as HAProxy's checks say it in version 1: the two ends of this very connection. The source alone
// says nothing: there are balancers that keep the client's address.
bool Greeting::names_nobody(const wire::ProxyHeader& header) const {
  if (header.source.family == base::PeerAddress::Family::none) return true;
  if (header.source != newcomer_.client || newcomer_.client.family == base::PeerAddress::Family::unix_socket) {
    return false;
  }
  const auto own = net::SocketAddress::local_of(newcomer_.transport.fd());
  return own && own->peer() == header.destination;
}

// A check has said all it will with its header; whatever else says something is a client as any other.
Verdict Greeting::hear_more() {
  switch (newcomer_.transport.peek(scratch_.first(1)).status) {
    case net::IoStatus::again: return {What::wait};
    case net::IoStatus::end:
    case net::IoStatus::failed: return {What::probe};
    case net::IoStatus::ok: break;
  }
  return let_in();
}

// It has ended its side before its header was whole.
Verdict Greeting::cut(std::span<const std::byte> input) {
  if (may_be_without_header(input)) return let_in();
  if (newcomer_.transport.take_error() != 0) return {What::reset};
  return refused(RefuseReason::proxy_malformed);
}

Verdict Greeting::late() {
  const net::IoResult got = newcomer_.transport.peek(scratch_);
  return may_be_without_header(scratch_.first(got.bytes)) ? let_in() : refused(RefuseReason::proxy_timeout);
}

// Before a signature is whole, what has come may be the begin of anything, such as an empty line.
bool Greeting::may_be_without_header(std::span<const std::byte> input) const {
  return door_.proxy_protocol == config::ProxyIn::optional && !wire::has_proxy_signature(input);
}

Verdict Greeting::let_in() {
  if (newcomer_.broken && newcomer_.transport.take_error() != 0) return {What::reset};
  bool placed = false;
  if (const auto reason = door_.admission.recognise(newcomer_.client, now_, placed)) return refused(*reason);
  return {.what = What::let_in, .placed = placed ? Placed::yes : Placed::no};
}

}  // namespace holdfast::entry
