#include "exporter/metrics/negotiate.h"

#include <algorithm>
#include <optional>

#include "base/text.h"

namespace pgbeacon::metrics {
namespace {

/// Takes the text before the next `separator` outside of a quoted string off the front of `rest`.
std::string_view TakeUntil(std::string_view& rest, char separator) {
  bool quoted = false;
  std::size_t end = 0;
  for (; end < rest.size(); ++end) {
    if (rest[end] == '"') quoted = !quoted;
    if (rest[end] == '\\' && quoted && end + 1 < rest.size()) ++end;
    if (rest[end] == separator && !quoted) break;
  }
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return Trim(part);
}

/// One element of a list such as `text/plain;version=0.0.4;q=0.5`.
struct Element {
  std::string_view name;
  std::string_view version;
  double quality = 1;  ///< a malformed one is 0: better the default than a wrong guess
};

double ParseQuality(std::string_view text) {
  const std::optional<double> quality = ParseDouble(text);
  return quality && *quality >= 0 && *quality <= 1 ? *quality : 0;
}

Element ParseElement(std::string_view text) {
  Element element;
  element.name = TakeUntil(text, ';');
  while (!text.empty()) {
    std::string_view value = TakeUntil(text, ';');
    const std::string_view key = TakeUntil(value, '=');
    value = Trim(value);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
      value = value.substr(1, value.size() - 2);
    }
    if (SameIgnoringCase(key, "version")) element.version = value;
    if (SameIgnoringCase(key, "q")) element.quality = ParseQuality(value);
  }
  return element;
}

bool IsOpenMetrics(const Element& element) {
  return SameIgnoringCase(element.name, "application/openmetrics-text") &&
         (element.version.empty() || element.version == "1.0.0" || element.version == "0.0.1");
}

/// How exactly the element names text format 0.0.4; 0 where it does not.
int TextSpecificity(const Element& element) {
  if (element.name == "*/*") return 1;
  if (SameIgnoringCase(element.name, "text/*")) return 2;
  if (!SameIgnoringCase(element.name, "text/plain")) return 0;
  if (element.version.empty()) return 3;
  return element.version == "0.0.4" ? 4 : 0;
}

}  // namespace

std::string_view ContentType(Format format) {
  return format == Format::kOpenMetrics
             ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
             : "text/plain; version=0.0.4; charset=utf-8";
}

Format NegotiateFormat(std::string_view accept) {
  double open_metrics = 0;
  double text = 0;
  int specificity = 0;
  while (!accept.empty()) {
    const Element element = ParseElement(TakeUntil(accept, ','));
    if (IsOpenMetrics(element)) open_metrics = std::max(open_metrics, element.quality);
    const int exact = TextSpecificity(element);
    if (exact == 0 || exact < specificity) continue;
    text = exact > specificity ? element.quality : std::max(text, element.quality);
    specificity = exact;
  }
  return open_metrics > 0 && open_metrics >= text ? Format::kOpenMetrics : Format::kText;
}

bool AcceptsGzip(std::string_view accept_encoding) {
  std::optional<double> gzip;
  std::optional<double> any;
  while (!accept_encoding.empty()) {
    const Element element = ParseElement(TakeUntil(accept_encoding, ','));
    if (SameIgnoringCase(element.name, "gzip") || SameIgnoringCase(element.name, "x-gzip")) {
      gzip = std::max(gzip.value_or(0), element.quality);
    } else if (element.name == "*") {
      any = std::max(any.value_or(0), element.quality);
    }
  }
  return gzip.value_or(any.value_or(0)) > 0;
}

}  // namespace pgbeacon::metrics
