// JSON for output: Boost.JSON's values with numbers as people write them (0.063697, not 6.3697E-2).
#pragma once

#include <boost/json/value.hpp>
#include <string>

namespace pgbeacon::cli {

/// Appends `value` on one line, without a line feed.
void AppendJson(const boost::json::value& value, std::string& out);

}  // namespace pgbeacon::cli
