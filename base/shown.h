// Parts of a config as they stand in a message. What may hold a password is not shown: a password
// or a connection string may stand in any place, by mistake.
//
// Example:
//   map.Fail("name", "there is a drain " + Shown(name) + " already");
//   map.Fail("burst", "burst: expected a whole number" + Found(text));
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pgbeacon {

/// Whether `text` may be a connection string, a URL with a login or a setting with a password. A
/// path from the root is none.
bool MayHoldSecret(std::string_view text);

/// "'text'", or words in its place where it may hold a secret.
std::string Shown(std::string_view text);

/// A key as Shown() does it, but only of letters, '_', '-' and '.': what else stands there may be
/// what belongs behind it.
std::string ShownKey(std::string_view key);

/// "; found '5x'" for what begins as a number or an address does and is short, else "": another
/// word may be a password, and the message names its place.
std::string Found(std::string_view text);

/// The same, but with a word that is nearly one of those expected: "; did you mean 'primary'?"
std::string FoundAmong(std::string_view text, const std::vector<std::string>& expected);

/// The path as it is where it begins with '/' or '.' or ends as a file of a config does: what else
/// stands where a file's name is wanted may be what belongs into the file.
std::string ShownPath(std::string_view path);

}  // namespace pgbeacon
