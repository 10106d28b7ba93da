#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "base/ip_text.h"
#include "wire/proxy_parts.h"

namespace holdfast::wire {
namespace {

using Family = base::PeerAddress::Family;

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kUnknown = "UNKNOWN";

enum Field : std::size_t { kWord, kSource, kDestination, kSourcePort, kDestinationPort, kFields };

// Exactly kFields with exactly one space between each other; an empty field is found out by its reader.
std::optional<std::array<std::string_view, kFields>> split(std::string_view text) {
  std::array<std::string_view, kFields> fields;
  for (std::string_view& field : fields) {
    const std::size_t space = std::min(text.find(' '), text.size());
    const bool is_last = &field == &fields.back();
    if (is_last != (space == text.size())) return std::nullopt;
    field = text.substr(0, space);
    text.remove_prefix(std::min(space + 1, text.size()));
  }
  return fields;
}

std::optional<std::uint16_t> read_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  const bool is_whole = error == std::errc{} && end == text.data() + text.size();
  return is_whole && (text.size() == 1 || text.front() != '0') ? std::optional(port) : std::nullopt;
}

std::optional<base::PeerAddress> read_address(Family family, std::string_view text, std::string_view port_text) {
  std::optional<base::PeerAddress> address = base::parse_ip(family, text);
  const std::optional<std::uint16_t> port = read_port(port_text);
  if (!address || !port) return std::nullopt;
  address->port = *port;
  return address;
}

// The line without "PROXY " and CR LF.
ProxyRead read_line(std::string_view text) {
  ProxyRead read{ProxyStatus::whole, 0, {}, ""};
  if (text.starts_with(kUnknown) && (text.size() == kUnknown.size() || text[kUnknown.size()] == ' ')) return read;
  const auto fields = split(text);
  if (!fields) return proxy::malformed("PROXY v1: not as many fields as there must be");
  const std::string_view word = (*fields)[kWord];
  if (word != "TCP4" && word != "TCP6") return proxy::malformed("PROXY v1: none of TCP4, TCP6, UNKNOWN");
  const Family family = word == "TCP4" ? Family::ipv4 : Family::ipv6;
  const auto source = read_address(family, (*fields)[kSource], (*fields)[kSourcePort]);
  if (!source) return proxy::malformed("PROXY v1: source address or port");
  const auto destination = read_address(family, (*fields)[kDestination], (*fields)[kDestinationPort]);
  if (!destination) return proxy::malformed("PROXY v1: destination address or port");
  read.header.source = *source;
  read.header.destination = *destination;
  return read;
}

char* add(char* out, std::string_view text) { return std::ranges::copy(text, out).out; }

template <typename Number>
char* add_number(char* out, Number value, int number_base) {
  return std::to_chars(out, out + 5, value, number_base).ptr;
}

char* add_ipv4(char* out, const base::PeerAddress& address) {
  for (std::size_t i = 0; i < 4; ++i) {
    if (i > 0) *out++ = '.';
    out = add_number(out, address.bytes[i], 10);
  }
  return out;
}

std::uint16_t group_of(const base::PeerAddress& address, std::size_t index) {
  return static_cast<std::uint16_t>(address.bytes[2 * index] << 8 | address.bytes[2 * index + 1]);
}

struct Run {
  std::size_t begin;
  std::size_t end;
};

//= RFC5952 4.2.3
Run longest_run_of_zeros(const base::PeerAddress& address) {
  Run longest{8, 9};  // none; it is as long as a single group, which is not worth it
  for (std::size_t begin = 0; begin < 8; ++begin) {
    std::size_t end = begin;
    while (end < 8 && group_of(address, end) == 0) ++end;
    if (end - begin > longest.end - longest.begin) longest = {begin, end};
  }
  return longest;
}

// Not inet_ntop(): it ends some addresses like IPv4, and the grammar of PROXY 2.1 knows only groups.
char* add_ipv6(char* out, const base::PeerAddress& address) {
  const Run run = longest_run_of_zeros(address);
  for (std::size_t i = 0; i < 8; ++i) {
    if (i == run.begin) {
      out = add(out, "::");
      i = run.end - 1;
      continue;
    }
    if (i > 0 && i != run.end) *out++ = ':';
    out = add_number(out, group_of(address, i), 16);
  }
  return out;
}

char* add_addresses(char* out, const proxy::Pair& pair) {
  const auto add_address = pair.source.family == Family::ipv4 ? add_ipv4 : add_ipv6;
  out = add(out, pair.source.family == Family::ipv4 ? "TCP4 " : "TCP6 ");
  out = add(add_address(out, pair.source), " ");
  out = add(add_address(out, pair.destination), " ");
  out = add(add_number(out, pair.source.port, 10), " ");
  return add_number(out, pair.destination.port, 10);
}

}  // namespace

//= PROXY 2.1
ProxyRead proxy::read_v1(std::span<const std::byte> input) noexcept {
  const std::string_view text(reinterpret_cast<const char*>(input.data()), std::min(input.size(), kProxyV1BytesMax));
  constexpr std::size_t kBegin = kV1Signature.size() + 1;
  if (text.size() >= kBegin && text[kBegin - 1] != ' ') return malformed("PROXY v1: no space after PROXY");
  const std::size_t end = text.find_first_of(kLineEnd);
  if (end == std::string_view::npos) {
    return text.size() + 1 < kProxyV1BytesMax ? more() : malformed("PROXY v1: no CR LF in the first 107 bytes");
  }
  if (text[end] != '\r') return malformed("PROXY v1: LF without CR");
  if (end + 1 == kProxyV1BytesMax) return malformed("PROXY v1: no CR LF in the first 107 bytes");
  if (end + 1 == text.size()) return more();
  if (text[end + 1] != '\n') return malformed("PROXY v1: CR without LF");
  ProxyRead read = read_line(text.substr(kBegin, end - kBegin));
  if (read.status == ProxyStatus::whole) read.bytes = end + kLineEnd.size();
  return read;
}

//= PROXY 2.1
std::size_t write_proxy_v1(const base::PeerAddress& source, const base::PeerAddress& destination,
                           std::span<std::byte> out) noexcept {
  const proxy::Pair pair = proxy::of_one_family(source, destination);
  const bool is_known = pair.source.family == Family::ipv4 || pair.source.family == Family::ipv6;
  std::array<char, kProxyV1BytesMax> line;  // the longest that is written has 104
  char* end = add(add(line.data(), proxy::kV1Signature), " ");
  end = is_known ? add_addresses(end, pair) : add(end, kUnknown);
  end = add(end, kLineEnd);
  const auto written = std::as_bytes(std::span(line.data(), end));
  if (written.size() > out.size()) return 0;
  std::ranges::copy(written, out.begin());
  return written.size();
}

}  // namespace holdfast::wire
