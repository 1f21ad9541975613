// Looking values up on a page of families.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/families.h"

namespace pgbeacon::scrape {

/// The value of the family's first sample, nothing when there is none.
std::optional<double> Value(const Families& page, std::string_view family);

/// The values of all samples of a family.
std::vector<double> Values(const Families& page, std::string_view family);

/// The label value of the first sample whose value is 1: the current state of a state set.
std::optional<std::string> LabelWhereOne(const Families& page, std::string_view family,
                                         std::string_view label);

}  // namespace pgbeacon::scrape
