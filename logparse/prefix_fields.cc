// The fields of a prefix: what each escape may print, and where it ends.
#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#include "logparse/prefix.h"

namespace pgbeacon::log {
namespace {

constexpr std::size_t kNone = std::string_view::npos;
constexpr std::size_t kMaxWord = 256;   // of a host or unknown field; host names have at most 253
constexpr std::size_t kMaxDigits = 20;  // of a 64-bit number

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsHex(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f'); }
bool IsAlnum(char c) { return IsDigit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'); }
bool IsLetter(char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }
bool IsHost(char c) {
  return IsAlnum(c) || c == '.' || c == ':' || c == '-' || c == '_' || c == '%';
}
bool IsWord(char c) { return c != ' ' && c != '\t'; }

template <class Class>
std::size_t Skip(std::string_view line, std::size_t pos, Class in_class, std::size_t most) {
  const std::size_t limit = std::min(line.size(), pos + most);
  while (pos < limit && in_class(line[pos])) ++pos;
  return pos;
}

// Skip() that must take something.
template <class Class>
std::size_t Take(std::string_view line, std::size_t pos, Class in_class, std::size_t most) {
  const std::size_t end = Skip(line, pos, in_class, most);
  return end == pos ? kNone : end;
}

bool At(std::string_view line, std::size_t pos, char c) {
  return pos < line.size() && line[pos] == c;
}

// Eight bytes of which those written 'd' may be any digit; compared at once. No byte carries into
// its neighbour where the first comparison holds.
class Form {
 public:
  explicit consteval Form(const char (&form)[9]) {
    std::array<std::uint8_t, 8> digits{};
    std::array<std::uint8_t, 8> others{};
    for (std::size_t i = 0; i < 8; ++i) {
      (form[i] == 'd' ? digits : others)[i] = form[i] == 'd' ? 0xff : form[i];
    }
    digits_ = std::bit_cast<std::uint64_t>(digits);
    others_ = std::bit_cast<std::uint64_t>(others);
  }

  bool At(const char* p) const {
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, p, sizeof bytes);
    constexpr std::uint64_t kHigh = 0xf0f0f0f0f0f0f0f0;
    const std::uint64_t zeros = 0x3030303030303030 & digits_;
    const std::uint64_t numbers = bytes & digits_;
    return (bytes & ~digits_) == others_ && (numbers & kHigh) == zeros &&
           ((numbers + (0x0606060606060606 & digits_)) & kHigh) == zeros;
  }

 private:
  std::uint64_t digits_ = 0;
  std::uint64_t others_ = 0;
};

constexpr Form kDate("dddd-dd-");
constexpr Form kDayAndHour("dd dd:dd");
constexpr Form kTimeOfDay("dd:dd:dd");
constexpr Form kMilliseconds("d:dd.ddd");

std::size_t TimeEnd(std::string_view line, std::size_t pos, bool milliseconds) {
  const std::size_t size = milliseconds ? 23 : 19;
  if (line.size() < pos + size + 2) return kNone;
  const char* p = line.data() + pos;
  if (!kDate.At(p) || !kDayAndHour.At(p + 8) || !kTimeOfDay.At(p + 11)) return kNone;
  if (milliseconds && !kMilliseconds.At(p + 15)) return kNone;
  pos += size;
  if (!At(line, pos, ' ')) return kNone;
  ++pos;  // the zone: "UTC" or "+0530"
  if (!At(line, pos, '+') && !At(line, pos, '-')) return Take(line, pos, IsLetter, 16);
  return Take(line, pos + 1, IsDigit, 6);
}

// Two runs of characters with a mark between, as in "65a1b2c3.1f4" and "3/117".
template <class Class>
std::size_t PairEnd(std::string_view line, std::size_t pos, Class in_class, char mark) {
  const std::size_t middle = Take(line, pos, in_class, kMaxDigits);
  if (middle == kNone || !At(line, middle, mark)) return kNone;
  return Take(line, middle + 1, in_class, kMaxDigits);
}

std::size_t HostEnd(std::string_view line, std::size_t pos) {
  constexpr std::array<std::string_view, 2> kWords = {"[local]", "[none]"};
  for (std::string_view word : kWords) {
    if (line.substr(pos, word.size()) == word) return pos + word.size();
  }
  return Skip(line, pos, IsHost, kMaxWord);
}

// "host(port)" if it stands there, else a host or nothing. A lone colon belongs to the literal.
std::size_t RemoteEnd(std::string_view line, std::size_t pos) {
  const bool lone_colon = At(line, pos, ':') && !At(line, pos + 1, ':');
  const std::size_t host = HostEnd(line, pos);
  if (!lone_colon && host > pos && At(line, host, '(')) {
    const std::size_t port = Take(line, host + 1, IsDigit, 5);
    if (port != kNone && At(line, port, ')')) return port + 1;
  }
  if (At(line, pos, '[')) return host;
  return Skip(
      line, pos, [](char c) { return IsHost(c) && c != ':'; }, kMaxWord);
}

}  // namespace

// The bytes of an application_name before the server wrote some as \xNN, as it does since 16.
std::size_t Prefix::UnescapedSize(std::string_view value) {
  std::size_t size = value.size();
  if (size <= kMaxName) return size;
  for (std::size_t pos = value.find("\\x"); pos != kNone; pos = value.find("\\x", pos + 4)) {
    if (pos + 4 > value.size()) break;
    if (IsHex(value[pos + 2]) && IsHex(value[pos + 3])) size -= 3;
  }
  return size;
}

bool Prefix::FitsName(const Part& part, std::string_view value) {
  if (value.size() > part.max_size) return false;
  if (part.escape == 'u' || part.escape == 'd') return true;
  if (!part.line_feeds && value.find('\n') != kNone) return false;
  return part.escape != 'a' || UnescapedSize(value) <= std::max<std::size_t>(kMaxName, part.width);
}

std::size_t Prefix::TypedEnd(const Part& part, std::string_view line, std::size_t pos) {
  switch (part.shape) {
    case Shape::kTime:
      return TimeEnd(line, pos, false);
    case Shape::kTimeMs:
      return TimeEnd(line, pos, true);
    case Shape::kEpoch:
      return PairEnd(line, pos, IsDigit, '.');
    case Shape::kDigits:
      return part.escape == 'P' ? Skip(line, pos, IsDigit, kMaxDigits)
                                : Take(line, pos, IsDigit, kMaxDigits);
    case Shape::kSigned:
      return Take(line, At(line, pos, '-') ? pos + 1 : pos, IsDigit, kMaxDigits);
    case Shape::kHexPair:
      return PairEnd(line, pos, IsHex, '.');
    case Shape::kVxid: {
      const std::size_t end = PairEnd(line, pos, IsDigit, '/');
      return end == kNone ? pos : end;
    }
    case Shape::kSqlstate:
      return pos + 5 <= line.size() && IsSqlstate(line.substr(pos, 5)) ? pos + 5 : kNone;
    case Shape::kHost:
      return HostEnd(line, pos);
    case Shape::kRemote:
      return RemoteEnd(line, pos);
    case Shape::kWord:
      return Skip(line, pos, IsWord, kMaxWord);
    default:
      return kNone;
  }
}

// The end of a typed field at `pos`, its padding included; npos: it does not fit.
std::size_t Prefix::FieldEnd(const Part& part, std::string_view line, std::size_t pos) {
  if (part.width == 0) return TypedEnd(part, line, pos);
  const auto blank = [](char c) { return c == ' '; };
  const std::size_t full = pos + part.width;
  const std::size_t begin = part.pad_right ? pos : Skip(line, pos, blank, part.width);
  std::size_t end = begin == full ? full : TypedEnd(part, line, begin);
  if (end == kNone && begin == pos) end = pos;  // blanks only, as where a process has no such value
  if (end == kNone) return kNone;
  if (part.pad_right && end < full) end = Skip(line, end, blank, full - end);
  return end < full ? kNone : end;
}

}  // namespace pgbeacon::log
