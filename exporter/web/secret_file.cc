#include "exporter/web/secret_file.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <map>
#include <new>
#include <sstream>

#include "base/shown.h"
#include "base/text.h"
#include "exporter/net/regular_file.h"

namespace pgbeacon::web {
namespace {

constexpr std::size_t kMostName = 253;
constexpr std::chrono::seconds kLookEvery{1};
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

Error Mistake(std::string message) { return Error(ErrorCode::kInvalid, std::move(message)); }

bool IsName(std::string_view text) {
  return !text.empty() && text.size() <= kMostName && IsUtf8(text) &&
         std::ranges::none_of(
             text, [](unsigned char c) { return c <= ' ' || c == 0x7F || c == '"' || c == '\''; });
}

}  // namespace

Digest DigestOf(std::string_view secret) {
  Digest digest{};
  if (EVP_Digest(secret.data(), secret.size(), digest.data(), nullptr, EVP_sha256(), nullptr) !=
      1) {
    throw std::bad_alloc();  // the only failure that is left
  }
  return digest;
}

std::string HexOf(const Digest& digest, std::size_t digits) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (const unsigned char byte : digest) {
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  hex.resize(std::min(digits, hex.size()));
  return hex;
}

Result<std::pair<std::string, std::string>> ReadDrainToken(std::string_view line) {
  const std::size_t comment = std::min(line.find(" #"), line.find("\t#"));
  line = Trim(line.substr(0, comment));
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return Mistake("expected `TOKEN: SERVER`");
  const std::string_view token = Trim(line.substr(0, colon));
  const std::string_view server = Trim(line.substr(colon + 1));
  if (!IsName(token)) return Mistake("no drain token stands before the colon");
  if (!IsName(server)) {
    return Mistake("the server's name is empty, too long, or has blanks, quotes or control bytes");
  }
  return std::pair(std::string(token), std::string(server));
}

Result<std::pair<std::string, std::string>> ReadCredentials(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return Mistake("expected `USER:PASSWORD`");
  if (colon == 0 || colon + 1 == line.size()) return Mistake("the user or the password is empty");
  return std::pair(std::string(line), std::string(line.substr(0, colon)));
}

SecretFile::Stamp SecretFile::Look() const {
  struct stat file {};
  if (stat(path_.c_str(), &file) != 0) return {};
  Stamp stamp;
  stamp.device = file.st_dev;
  stamp.inode = file.st_ino;
  stamp.size = static_cast<std::uint64_t>(file.st_size);
  stamp.seconds = file.st_mtim.tv_sec;
  stamp.nanoseconds = file.st_mtim.tv_nsec;
  return stamp;
}

void SecretFile::Refresh() {
  const Stamp stamp = Look();  // before reading: what is written meanwhile is seen the next time
  if (stamp_ == stamp) return;
  stamp_ = stamp;
  Result<std::vector<Entry>> entries = Read();
  successful_ = entries.ok();
  if (entries.ok()) {
    entries_ = *std::move(entries);
    read_ = true;
    spdlog::info("read {} entries={}", path_, entries_.size());
  } else {
    spdlog::error("{}; {}", entries.error().message,
                  read_ ? "going on with what was read before" : "nobody is let in until it is");
  }
}

Result<std::vector<SecretFile::Entry>> SecretFile::Read() const {
  const Result<std::string> whole = net::ReadRegularFile(path_, ShownPath(path_));
  if (!whole.ok()) return whole.error();
  std::istringstream file(*whole);
  std::vector<Entry> entries;
  std::map<Digest, int> lines;
  std::string text;
  for (int number = 1; std::getline(file, text); ++number) {
    const std::string where = path_ + ":" + std::to_string(number) + ": ";
    if (text.ends_with('\r')) text.pop_back();
    if (number == 1 && text.starts_with(kByteOrderMark)) text.erase(0, kByteOrderMark.size());
    const std::string_view line = Trim(text);
    if (line.empty() || line.starts_with('#')) continue;
    Result<std::pair<std::string, std::string>> entry = read_line_(line);
    if (!entry.ok()) return Mistake(where + entry.error().message);
    const Digest digest = DigestOf(entry->first);
    const auto [other, fresh] = lines.try_emplace(digest, number);
    if (!fresh) {
      return Mistake(where + "the same stands in line " + std::to_string(other->second));
    }
    entries.push_back(Entry{digest, std::move(entry->second)});
  }
  return entries;
}

std::optional<std::string> SecretFile::Find(std::string_view secret, TimePoint now) {
  const Digest digest = DigestOf(secret);
  if (now - looked_ >= kLookEvery) {
    looked_ = now;
    Refresh();
  }
  std::optional<std::string> value = Look(digest);
  if (value) return value;
  Refresh();
  return Look(digest);
}

std::optional<std::string> SecretFile::Look(const Digest& digest) const {
  const Entry* found = nullptr;
  for (const Entry& entry : entries_) {
    if (CRYPTO_memcmp(entry.digest.data(), digest.data(), digest.size()) == 0) found = &entry;
  }
  if (found == nullptr) return std::nullopt;
  return found->value;
}

}  // namespace pgbeacon::web
