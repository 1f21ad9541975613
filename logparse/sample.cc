#include "logparse/sample.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>

#include "base/text.h"

namespace pgbeacon::log {
namespace {

constexpr std::string_view kMarker = "sample#";
constexpr std::size_t kMaxName = 100;  // bytes of a source, addon or key
constexpr double kMinInterval = 1;     // lines closer together belong to one tick
constexpr double kMaxInterval = 3600;

struct Unit {
  std::string_view name;
  double multiply;
  double divide;
};
constexpr Unit kUnits[] = {
    {"bytes", 1, 1},
    {"B", 1, 1},
    {"kB", 1024, 1},
    {"KB", 1024, 1},
    {"MB", 1048576, 1},
    {"GB", 1073741824, 1},
    {"TB", 1099511627776, 1},
    {"us", 1, 1e6},
    {"ms", 1, 1e3},
    {"s", 1, 1},
    {"m", 60, 1},
    {"h", 3600, 1},
    {"%", 1, 100},
};

const SampleSpec* FindSpec(const std::vector<SampleSpec>& specs, std::string_view key) {
  const auto spec = std::ranges::find(specs, key, &SampleSpec::key);
  return spec == specs.end() ? nullptr : &*spec;
}

Family& FamilyOf(std::map<std::string, Family>& families, const std::string& name,
                 const std::string& help) {
  Family& family = families[name];
  if (family.name.empty()) {
    family.name = name;
    family.help = help;
    family.type = MetricType::Gauge;
  }
  return family;
}

// The next word of a line; empty at its end.
std::string_view NextWord(std::string_view& line) {
  const std::size_t start = line.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos) return {};
  line.remove_prefix(start);
  const std::string_view word = line.substr(0, line.find_first_of(" \t\r\n"));
  line.remove_prefix(word.size());
  return word;
}

}  // namespace

std::optional<double> ParseSampleValue(std::string_view text, double scale) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || !std::isfinite(value)) return std::nullopt;
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (unit.empty()) return scale < 1 ? value / std::round(1 / scale) : value * scale;
  for (const Unit& known : kUnits) {
    if (known.name == unit) return value * known.multiply / known.divide;
  }
  return std::nullopt;
}

std::optional<double> ParseLogTime(std::string_view text) {
  if (const auto seconds = ParseDouble(text)) {
    return std::isfinite(*seconds) && *seconds > 0 ? seconds : std::nullopt;
  }
  const auto number = [&text](char before, std::size_t digits) -> int {
    if (before != '\0' && !text.starts_with(before)) return -1;
    const std::string_view part = text.substr(before == '\0' ? 0 : 1).substr(0, digits);
    int value = -1;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
    if (error != std::errc() || part.size() != digits || end != part.data() + digits) return -1;
    text = {end, static_cast<std::size_t>(text.data() + text.size() - end)};
    return value;
  };
  const int year = number('\0', 4);
  const int month = number('-', 2);
  const int day = number('-', 2);
  const int hour = number(text.starts_with('T') ? 'T' : ' ', 2);
  const int minute = number(':', 2);
  const int second = number(':', 2);
  if (year < 0 || month < 0 || day < 0 || hour < 0 || minute < 0 || second < 0) return {};
  const std::chrono::year_month_day date(std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day)));
  if (!date.ok()) return {};
  double time = static_cast<double>(std::chrono::sys_days(date).time_since_epoch().count()) * 86400;
  time += hour * 3600 + minute * 60 + second;
  if (text.starts_with('.')) {
    const std::string_view fraction = text.substr(0, text.find_first_not_of("0123456789", 1));
    time += ParseDouble("0" + std::string(fraction)).value_or(0);
    text.remove_prefix(fraction.size());
  }
  if (text.starts_with(' ')) text.remove_prefix(1);
  if (text == "Z" || text == "UTC" || text == "GMT") return time;
  const int sign = text.starts_with('-') ? -1 : 1;
  const int hours = number(sign < 0 ? '-' : '+', 2);
  if (hours < 0) return {};
  const int minutes = text.empty() ? 0 : number(text.starts_with(':') ? ':' : '\0', 2);
  if (minutes < 0 || !text.empty()) return {};
  return time - sign * (hours * 3600 + minutes * 60);
}

void SampleStore::Take(const std::vector<SampleSpec>& specs, std::string_view line, double now) {
  std::string_view source_name;
  std::string_view addon;
  std::string_view rest = line;
  for (std::string_view word = NextWord(rest); !word.empty(); word = NextWord(rest)) {
    if (word.starts_with("source=")) source_name = word.substr(7, kMaxName);
    if (word.starts_with("addon=")) addon = word.substr(6, kMaxName);
  }
  const std::pair<std::string, std::string> name(ToUtf8(source_name), ToUtf8(addon));
  if (!sources_.contains(name) && sources_.size() >= kMaxSources) {
    std::erase_if(sources_,
                  [now](const auto& s) { return now - s.second.last > 3 * s.second.interval; });
    if (sources_.size() >= kMaxSources) {
      ++dropped_;
      return;
    }
  }
  Source& source = sources_[name];
  const double gap = now - source.last;
  if (source.last != 0 && gap >= kMinInterval) {
    // At most twice the last one, so that one outage does not keep stale samples for long.
    source.interval = std::min({gap, 2 * source.interval, kMaxInterval});
  }
  source.last = std::max(source.last, now);
  rest = line;
  for (std::string_view word = NextWord(rest); !word.empty(); word = NextWord(rest)) {
    if (word.starts_with(kMarker)) TakeValue(source, specs, word.substr(kMarker.size()), now);
  }
}

/// Takes "key=value".
void SampleStore::TakeValue(Source& source, const std::vector<SampleSpec>& specs,
                            std::string_view word, double now) {
  const std::size_t equals = std::min(word.find('='), word.size());
  const std::string_view key = word.substr(0, equals);
  const SampleSpec* spec = FindSpec(specs, key);
  const auto value = ParseSampleValue(word.substr(std::min(equals + 1, word.size())),
                                      spec == nullptr ? 1 : spec->scale);
  if (key.empty() || key.size() > kMaxName || !value) {
    ++unread_;
    return;
  }
  std::string clean = ToUtf8(key);
  if (source.samples.size() >= kMaxKeys && !source.samples.contains(clean)) {
    ++dropped_;
    return;
  }
  Sample& sample = source.samples[std::move(clean)];
  if (now >= sample.at) sample = {*value, now};
}

void SampleStore::Merge(const SampleStore& other) {
  dropped_ += other.dropped_;
  unread_ += other.unread_;
  for (const auto& [name, theirs] : other.sources_) {
    if (!sources_.contains(name) && sources_.size() >= kMaxSources) {
      ++dropped_;
      continue;
    }
    Source& ours = sources_[name];
    if (theirs.last >= ours.last) {
      ours.last = theirs.last;
      ours.interval = theirs.interval;
    }
    for (const auto& [key, sample] : theirs.samples) {
      Sample& mine = ours.samples[key];
      if (sample.at >= mine.at) mine = sample;
    }
  }
}

void SampleStore::Collect(const std::vector<SampleSpec>& specs, const std::string& server,
                          double now, std::map<std::string, Family>& families) const {
  for (const auto& [name, source] : sources_) {
    const Labels labels = {{"server", server}, {"source", name.first}, {"addon", name.second}};
    std::map<const SampleSpec*, Sample> documented;  // aliases of one metric: the later wins
    for (const auto& [key, sample] : source.samples) {
      const bool dated = now > 0 && sample.at > 0;
      if (dated && now - sample.at > 3 * source.interval) continue;
      const SampleSpec* spec = FindSpec(specs, key);
      if (spec == nullptr) {
        Labels with_key = labels;
        with_key.emplace_back("key", key);
        AddSample(FamilyOf(families, "pg_sample_value", "Samples whose keys are not documented."),
                  std::move(with_key), sample.value);
        continue;
      }
      const auto first = std::ranges::find(specs, spec->metric, &SampleSpec::metric);
      Sample& latest = documented[&*first];
      if (sample.at >= latest.at) latest = sample;
    }
    for (const auto& [spec, sample] : documented) {
      AddSample(FamilyOf(families, spec->metric, spec->help), labels, sample.value);
    }
    if (source.last == 0) continue;
    AddSample(FamilyOf(families, "pg_sample_last_timestamp_seconds",
                       "When the last sample# record of the source arrived."),
              labels, source.last);
  }
}

}  // namespace pgbeacon::log
