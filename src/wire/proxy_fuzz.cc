// Any bytes: what is whole stays whole however it arrives, and says the same when it is written again.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "wire/proxy.h"

namespace {

using namespace holdfast::wire;
using holdfast::base::PeerAddress;
using Input = std::span<const std::byte>;

constexpr std::size_t kTlvsMax = kProxyBytesMax / kProxyTlvHeadBytes;

void demand(bool holds) {
  if (!holds) std::abort();
}

// From memory that ends where the input ends.
ProxyRead read_copy(Input input, std::vector<std::byte>& copy) {
  copy.assign(input.begin(), input.end());
  copy.shrink_to_fit();
  return read_proxy_header(copy);
}

bool is_consistent(const ProxyRead& read, Input input) {
  const bool is_whole = read.status == ProxyStatus::whole;
  const bool is_malformed = read.status == ProxyStatus::malformed;
  return read.bytes <= std::min(input.size(), kProxyBytesMax) && is_whole == (read.bytes > 0) &&
         is_malformed != std::string_view(read.fault).empty() &&
         read.header.source.family == read.header.destination.family;
}

bool is_same(const ProxyHeader& a, const ProxyHeader& b) {
  return a.version == b.version && a.command == b.command && a.source == b.source && a.destination == b.destination &&
         std::ranges::equal(a.tlvs.bytes(), b.tlvs.bytes());
}

// A header does not depend on what follows it, and until it is all there, more is awaited.
// Where it is none or broken, that shows once and for good.
void demand_stable(Input input, const ProxyRead& whole) {
  std::vector<std::byte> copy;
  auto last = ProxyStatus::more;
  const std::size_t cuts = std::min(input.size(), whole.status == ProxyStatus::whole ? whole.bytes : 300);
  for (std::size_t cut = 0; cut < cuts; ++cut) {
    const ProxyStatus status = read_copy(input.first(cut), copy).status;
    demand(status == last || last == ProxyStatus::more);
    demand(status == ProxyStatus::more || status == whole.status);
    demand(status != ProxyStatus::whole);
    last = status;
  }
  if (whole.status != ProxyStatus::whole) return;
  const ProxyRead exact = read_copy(input.first(whole.bytes), copy);
  demand(exact.status == ProxyStatus::whole && exact.bytes == whole.bytes && is_same(exact.header, whole.header));
}

void demand_addresses(Input written, const ProxyHeader& want) {
  const ProxyRead read = read_proxy_header(written);
  demand(read.status == ProxyStatus::whole && read.bytes == written.size());
  demand(read.header.source == want.source && read.header.destination == want.destination);
}

void demand_written_again_in_v1(const ProxyHeader& header) {
  std::array<std::byte, kProxyV1BytesMax> out;
  const bool is_unix = header.source.family == PeerAddress::Family::unix_socket;
  const std::size_t size = write_proxy_v1(header.source, header.destination, out);
  demand_addresses(std::span(out).first(size), is_unix ? ProxyHeader{} : header);
}

void demand_written_again_in_v2(const ProxyHeader& header) {
  std::array<ProxyTlv, kTlvsMax> tlvs;
  std::size_t count = 0;
  for (const ProxyTlv& each : header.tlvs) tlvs[count++] = each;
  std::array<std::byte, kProxyBytesMax> out;
  const ProxyExtras extras{std::span(tlvs).first(count), ProxyCrc::with};
  const std::size_t size = write_proxy_v2(header.source, header.destination, extras, out);
  if (size == 0) return demand(header.tlvs.bytes().size() + kProxyV2BytesMax > kProxyBytesMax);
  demand_addresses(std::span(out).first(size), header);
  if (header.source.family == PeerAddress::Family::none) return;
  const ProxyTlvs written = read_proxy_header(std::span(out).first(size)).header.tlvs;
  auto got = written.begin();
  for (const ProxyTlv& each : header.tlvs) {
    if (each.type == ProxyTlvType::crc32c) continue;
    demand((*got).type == each.type && std::ranges::equal((*got).value, each.value));
    ++got;
  }
  demand((*got).type == ProxyTlvType::crc32c && ++got == written.end());
}

// The walk itself is safe over bytes that nobody has looked at.
void demand_walk(Input input) {
  std::size_t bytes = 0;
  for (const ProxyTlv& each : ProxyTlvs(input)) bytes += kProxyTlvHeadBytes + each.value.size();
  demand(bytes <= input.size() && (bytes == input.size()) == ProxyTlvs(input).is_well_formed());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Input input = std::as_bytes(std::span(data, size));
  std::vector<std::byte> copy;
  const ProxyRead read = read_copy(input, copy);
  demand(is_consistent(read, input));
  demand_stable(input, read);
  demand_walk(input);
  (void)read_proxy_ssl(input);
  if (read.status != ProxyStatus::whole) return 0;
  demand_written_again_in_v1(read.header);
  demand_written_again_in_v2(read.header);
  return 0;
}
