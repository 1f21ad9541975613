#include "exporter/metrics/exposition.h"

#include <optional>
#include <utility>

#include "base/text.h"

namespace pgbeacon::metrics {
namespace {

/// Takes one line apart from its beginning on.
class Line {
 public:
  explicit Line(std::string_view text) : rest_(text) {}

  bool Skip(char wanted) {
    if (rest_.empty() || rest_.front() != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }

  void SkipBlanks() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t'))
      rest_.remove_prefix(1);
  }

  std::string Until(std::string_view ends) {
    const std::string word(rest_.substr(0, rest_.find_first_of(ends)));
    rest_.remove_prefix(word.size());
    return word;
  }

  /// A label's value behind its opening quote; nothing where it does not end.
  std::optional<std::string> Quoted() {
    std::string value;
    while (!rest_.empty()) {
      char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') return value;
      if (c == '\\' && !rest_.empty()) {
        c = rest_.front() == 'n' ? '\n' : rest_.front();
        rest_.remove_prefix(1);
      }
      value += c;
    }
    return std::nullopt;
  }

 private:
  std::string_view rest_;
};

bool ReadLabels(Line& line, LabelSet& labels, std::set<std::string>& names) {
  for (;;) {
    line.SkipBlanks();
    if (line.Skip('}')) return true;
    const std::string name(Trim(line.Until("=")));
    if (!line.Skip('=') || !line.Skip('"')) return false;
    std::optional<std::string> value = line.Quoted();
    if (!value) return false;
    names.insert(name);
    if (!value->empty()) labels.emplace(name, *std::move(value));
    line.SkipBlanks();
    line.Skip(',');
  }
}

bool ReadSample(std::string_view text, Exposition& page) {
  Line line(text);
  const std::string name = line.Until("{ \t");
  LabelSet labels;
  if (name.empty() || (line.Skip('{') && !ReadLabels(line, labels, page.labels[name])))
    return false;
  line.SkipBlanks();
  const std::string word = line.Until(" \t");
  const std::optional<double> value = ParseDouble(word == "+Inf" ? "inf" : word);
  if (!value) return false;
  page.series[name].insert_or_assign(std::move(labels), *value);
  return true;
}

void ReadComment(std::string_view text, Exposition& page) {
  Line line(text);
  line.Skip('#');
  line.SkipBlanks();
  if (line.Until(" \t") != "TYPE") return;
  line.SkipBlanks();
  const std::string name = line.Until(" \t");
  line.SkipBlanks();
  page.types[name] = line.Until(" \t");
}

}  // namespace

std::string Exposition::TypeOf(const std::string& name) const {
  const auto own = types.find(name);
  if (own != types.end()) return own->second;
  for (const std::string_view suffix : {"_bucket", "_sum", "_count"}) {
    if (!name.ends_with(suffix)) continue;
    const auto family = types.find(name.substr(0, name.size() - suffix.size()));
    if (family != types.end()) return family->second;
  }
  return "untyped";
}

Exposition ReadExposition(std::string_view text) {
  Exposition page;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = Trim(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (line.empty()) continue;
    if (line.front() == '#') {
      ReadComment(line, page);
    } else if (!ReadSample(line, page)) {
      ++page.unread;
    }
  }
  return page;
}

}  // namespace pgbeacon::metrics
