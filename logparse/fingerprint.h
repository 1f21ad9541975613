// Fingerprints of SQL statements: one number for all statements that differ only in constants,
// parameters, comments, white space, the case of words, and the length of IN, ARRAY and VALUES
// lists.
//
// Example:
//   Fingerprint("SELECT * FROM t WHERE id IN (1, 2)") == Fingerprint("select * from t where id in
//   (3)") NormalizeStatement("SELECT  'x'::text -- why")   // "select ?::text"
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace pgbeacon::log {

/// Of a longer statement only these first bytes count; a list that is cut there counts as closed.
inline constexpr std::size_t kFingerprintBytes = std::size_t{64} << 10;

/// Takes any bytes: what is no SQL has a fingerprint as well. One pass, no allocation.
std::uint64_t Fingerprint(std::string_view sql);

/// The statement as its fingerprint sees it, each constant and parameter being "?". Its own
/// fingerprint is that of `sql`, unless one of the two is longer than kFingerprintBytes.
std::string NormalizeStatement(std::string_view sql);

/// Sixteen hexadecimal digits.
std::string FingerprintName(std::uint64_t fingerprint);

}  // namespace pgbeacon::log
