#include "exporter/http/message.h"

namespace pgbeacon::http {

std::string_view Request::Header(std::string_view lower_name) const {
  const auto it = headers.find(lower_name);
  return it == headers.end() ? std::string_view() : std::string_view(it->second);
}

}  // namespace pgbeacon::http
