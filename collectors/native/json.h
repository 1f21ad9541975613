// JSON answers of other programs: parsed within a bound of memory and depth, read leniently. What
// is missing or of another type is nothing, so that a hostile or newer answer costs its own values.
//
// Example:
//   const Result<Json> json = Json::Parse(text);
//   std::optional<double> lag = NumberAt(json->root(), "lag");
#pragma once

#include <boost/json/value.hpp>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace pgbeacon::collectors {

/// A document and the memory it lies in.
class Json {
 public:
  /// An Error says at which byte the text stops being JSON, or that it takes too much memory.
  static Result<Json> Parse(std::string_view text);

  /// An entry of a list, and how many elements of the document's own array are before the one that
  /// it lies in.
  using TakeEntry = std::function<void(const boost::json::value& entry, std::size_t element)>;
  /// Gives the entries of the arrays that are members `list` to `take`, one at a time, and leaves
  /// them out of the document: a long list takes the memory of one entry.
  static Result<Json> ParseList(std::string_view text, std::string_view list,
                                const TakeEntry& take);

  const boost::json::value& root() const { return root_; }

 private:
  explicit Json(boost::json::value root) : root_(std::move(root)) {}
  boost::json::value root_;
};

/// The member `key` of an object; null where there is none.
const boost::json::value* MemberAt(const boost::json::value& object, std::string_view key);
/// The member where it is an array, else an empty one.
const boost::json::array& ArrayAt(const boost::json::value& object, std::string_view key);
/// A finite number.
std::optional<double> NumberAt(const boost::json::value& object, std::string_view key);
/// A string, of which no more than a label may hold is kept (256 bytes).
std::optional<std::string> TextAt(const boost::json::value& object, std::string_view key);
std::optional<bool> BoolAt(const boost::json::value& object, std::string_view key);
/// A string or a whole number as text: identifiers that come as either.
std::optional<std::string> IdAt(const boost::json::value& object, std::string_view key);

}  // namespace pgbeacon::collectors
