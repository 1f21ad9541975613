#include "exporter/cli/json.h"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <cmath>
#include <iterator>

namespace pgbeacon::cli {

void AppendJson(const boost::json::value& value, std::string& out) {
  if (const boost::json::object* object = value.if_object()) {
    out += '{';
    for (const auto& member : *object) {
      if (out.back() != '{') out += ',';
      out += boost::json::serialize(member.key()) + ":";
      AppendJson(member.value(), out);
    }
    out += '}';
  } else if (const boost::json::array* array = value.if_array()) {
    out += '[';
    for (const boost::json::value& item : *array) {
      if (out.back() != '[') out += ',';
      AppendJson(item, out);
    }
    out += ']';
  } else if (const double* number = value.if_double();
             number != nullptr && std::isfinite(*number)) {
    fmt::format_to(std::back_inserter(out), "{}", *number);
  } else {
    out += boost::json::serialize(value);
  }
}

}  // namespace pgbeacon::cli
