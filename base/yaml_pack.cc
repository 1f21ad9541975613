// Every value is a byte (its kind, and whether it is quoted), line and column, and then
//   scalar: its bytes;   list: how many, the values;   map: how many, the keys' bytes and values.
// Numbers are little-endian in groups of seven bits; bytes stand behind their number.
#include "base/yaml_pack.h"

#include <cstdint>

namespace pgbeacon {
namespace {

constexpr std::string_view kMagic = "\x7fYAML\x01";  // DEL is no character of YAML
constexpr unsigned kQuoted = 4;
constexpr int kMaxDepth = 64;

void PutNumber(std::string& out, std::uint64_t number) {
  for (; number >= 0x80; number >>= 7) out += static_cast<char>(number | 0x80);
  out += static_cast<char>(number);
}

void PutBytes(std::string& out, std::string_view bytes) {
  PutNumber(out, bytes.size());
  out += bytes;
}

void Put(std::string& out, const YamlValue& value) {
  out += static_cast<char>(static_cast<unsigned>(value.kind) | (value.quoted ? kQuoted : 0));
  PutNumber(out, static_cast<std::uint64_t>(value.line));
  PutNumber(out, static_cast<std::uint64_t>(value.column));
  if (value.kind == YamlValue::Kind::kScalar) PutBytes(out, value.scalar);
  if (value.kind == YamlValue::Kind::kList) {
    PutNumber(out, value.items.size());
    for (const YamlValue& item : value.items) Put(out, item);
  }
  if (value.kind == YamlValue::Kind::kMap) {
    PutNumber(out, value.members.size());
    for (const auto& [name, member] : value.members) {
      PutBytes(out, name);
      Put(out, member);
    }
  }
}

class Unpacker {
 public:
  explicit Unpacker(std::string_view bytes) : rest_(bytes) {}

  bool Take(YamlValue& value, int depth) {
    if (rest_.empty() || depth > kMaxDepth) return false;
    const auto head = static_cast<unsigned char>(rest_[0]);
    rest_.remove_prefix(1);
    if (head >= 2 * kQuoted) return false;
    value.kind = static_cast<YamlValue::Kind>(head % kQuoted);
    value.quoted = head >= kQuoted;
    value.line = static_cast<int>(Number());
    value.column = static_cast<int>(Number());
    if (value.kind == YamlValue::Kind::kScalar) value.scalar = Bytes();
    if (value.kind == YamlValue::Kind::kList) {
      value.items.resize(Count());
      for (YamlValue& item : value.items) {
        if (!Take(item, depth + 1)) return false;
      }
    }
    if (value.kind == YamlValue::Kind::kMap) {
      value.members.resize(Count());
      for (auto& [name, member] : value.members) {
        name = Bytes();
        if (!Take(member, depth + 1)) return false;
      }
    }
    return !broken_;
  }

  bool done() const { return rest_.empty() && !broken_; }

 private:
  std::uint64_t Number() {
    std::uint64_t number = 0;
    for (int shift = 0; shift < 63; shift += 7) {
      if (rest_.empty()) break;
      const auto byte = static_cast<unsigned char>(rest_[0]);
      rest_.remove_prefix(1);
      number |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return number;
    }
    broken_ = true;
    return 0;
  }

  // Each element takes at least one byte.
  std::size_t Count() {
    const std::uint64_t count = Number();
    if (count <= rest_.size()) return count;
    broken_ = true;
    return 0;
  }

  std::string_view Bytes() {
    const std::size_t size = Count();
    const std::string_view bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return bytes;
  }

  std::string_view rest_;
  bool broken_ = false;
};

}  // namespace

std::string PackYaml(const YamlValue& root) {
  std::string out(kMagic);
  Put(out, root);
  return out;
}

bool IsPackedYaml(std::string_view bytes) { return bytes.starts_with(kMagic); }

bool UnpackYaml(std::string_view bytes, YamlValue& root) {
  if (!IsPackedYaml(bytes)) return false;
  Unpacker unpacker(bytes.substr(kMagic.size()));
  return unpacker.Take(root, 0) && unpacker.done();
}

}  // namespace pgbeacon
