// The bound of label values: a text from the server may be as long as it likes, a label may not.
// What is longer is cut and ends in a hash of the whole, so that values which differ stay apart.
//
// Example:
//   const ShortLabels shown(planned, rows);
//   Decoded decoded = Decode(planned, shown, "db1:5432");
//   CountShortened(shown.shortened());
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/yaml.h"
#include "collectors/engine/plan.h"
#include "collectors/engine/rows.h"

namespace pgbeacon::collectors {

/// The least that a limit may be: beside the hash there must be something to read.
inline constexpr std::size_t kLeastLabelLimit = 64;

/// The key `label_limit` of a collector's file or of a choice; nothing where it is absent or wrong
/// (reported).
std::optional<std::size_t> ReadLabelLimit(YamlMap& map);

/// `value` in `limit` bytes: its beginning up to the end of a character, then "...#" and 16
/// hexadecimal digits. As it is where it is no longer.
std::string Shortened(std::string_view value, std::size_t limit);

/// The rows of an answer with values of at most `planned.label_limit` bytes in the columns that
/// become labels or parts of names. Valid as long as the rows that were given.
class ShortLabels : public Rows {
 public:
  ShortLabels(const PlannedCollector& planned, const Rows& base);

  /// How many values were too long.
  std::size_t shortened() const { return short_.size(); }

  std::size_t rows() const override { return base_.rows(); }
  std::size_t columns() const override { return base_.columns(); }
  std::string_view name(std::size_t column) const override { return base_.name(column); }
  std::optional<std::string_view> at(std::size_t row, std::size_t column) const override;

 private:
  const Rows& base_;
  std::map<std::pair<std::size_t, std::size_t>, std::string> short_;  ///< by row and column
};

}  // namespace pgbeacon::collectors
