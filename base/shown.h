// Values of a config as they stand in a message. What may hold a password is not shown: a
// connection string may stand under any key, by mistake.
//
// Example:
//   map.Fail("group", "group: there is no " + Shown(name) + " in groups");
#pragma once

#include <string>
#include <string_view>

namespace pgbeacon {

/// Whether `text` may be a connection string, a URL with a login or a setting with a password. A
/// path from the root is none.
bool MayHoldSecret(std::string_view text);

/// "'text'", or words in its place where it may hold a secret.
std::string Shown(std::string_view text);

/// The path as it is where it begins with '/' or '.': what else stands where a file's name is
/// wanted may be what belongs into the file.
std::string ShownPath(std::string_view path);

}  // namespace pgbeacon
