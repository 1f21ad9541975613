// SecretFile: secrets and what they stand for, one a line, in a file that is read again when it has
// changed.
//
// Example:
//   SecretFile tokens("/etc/pgbeacon/drains", ReadDrainToken);
//   tokens.Refresh(now);
//   std::optional<std::string> server = tokens.Find(token, now);
//
// Secrets are kept as SHA-256 digests and never stand in a message.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace pgbeacon::web {

/// SHA-256.
using Digest = std::array<unsigned char, 32>;
Digest DigestOf(std::string_view secret);
/// The first `digits` hexadecimal digits.
std::string HexOf(const Digest& digest, std::size_t digits);

/// One line: a secret and its value. The Error tells what is wrong without the secret.
using ReadSecret = std::function<Result<std::pair<std::string, std::string>>(std::string_view)>;
/// "TOKEN: SERVER", a comment behind it allowed.
Result<std::pair<std::string, std::string>> ReadDrainToken(std::string_view line);
/// "USER:PASSWORD", all of the line; its value is the user.
Result<std::pair<std::string, std::string>> ReadCredentials(std::string_view line);

/// Used by one thread. Blank lines and those that begin with `#` mean nothing.
class SecretFile {
 public:
  SecretFile(std::string path, ReadSecret read_line)
      : path_(std::move(path)), read_line_(std::move(read_line)) {}

  /// Reads the file when it is not the one that was read last. A file with a mistake is told in the
  /// log, once, and changes nothing.
  void Refresh();

  /// The value of a secret: looks for a change of the file once a second, and always before it says
  /// that there is no such secret. Takes as long for every secret that is in the file, and for
  /// every one that is not.
  std::optional<std::string> Find(std::string_view secret, TimePoint now);

  bool read() const { return read_; }              ///< once at least
  bool successful() const { return successful_; }  ///< the last time
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    Digest digest;
    std::string value;
  };
  /// Tells one version of the file from another.
  struct Stamp {
    std::uint64_t device = 0, inode = 0, size = 0;
    std::int64_t seconds = 0, nanoseconds = 0;
    bool operator==(const Stamp&) const = default;
  };

  Result<std::vector<Entry>> Read() const;
  std::optional<std::string> Look(const Digest& digest) const;
  Stamp Look() const;

  const std::string path_;
  const ReadSecret read_line_;
  std::vector<Entry> entries_;
  std::optional<Stamp> stamp_;
  TimePoint looked_;
  bool read_ = false;
  bool successful_ = false;
};

}  // namespace pgbeacon::web
