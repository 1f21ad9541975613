#include "exporter/config/peer_queries.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/shown.h"
#include "base/text.h"

namespace pgbeacon::config {
namespace {

using collectors::Collector;
using collectors::Column;
using collectors::VersionRange;

constexpr std::string_view kUsages = "LABEL COUNTER GAUGE MAPPEDMETRIC HISTOGRAM DURATION DISCARD";

std::string Upper(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  });
  return text;
}

/// ">=10.0.0", ">9.6 <17", "15.x": what majors they leave.
std::optional<VersionRange> ReadServers(std::string_view text) {
  VersionRange range;
  for (const std::string& part : Split(text, ' ')) {
    std::string_view word = part;
    if (word.empty()) continue;
    const std::size_t digits = std::min(word.find_first_of("0123456789"), word.size());
    const std::string_view sign = word.substr(0, digits);
    word.remove_prefix(digits);
    int major = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), major);
    if (error != std::errc()) return std::nullopt;
    const std::string_view minor(end, static_cast<std::size_t>(word.data() + word.size() - end));
    const bool whole = minor.find_first_of("123456789") == std::string_view::npos;
    const auto below = [&range](int bound) { range.below = std::min(range.below, bound); };
    if (sign == ">=" || sign == ">") {
      range.min = std::max(range.min, major);
    } else if (sign == "<") {
      below(whole ? major : major + 1);
    } else if (sign == "<=") {
      below(major + 1);
    } else if (sign == "=" || sign == "==" || sign.empty()) {
      range.min = std::max(range.min, major);
      below(major + 1);
    } else {
      return std::nullopt;
    }
  }
  return range.min < range.below ? std::optional(range) : std::nullopt;
}

std::string Quoted(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char c : text) {
    if (c == quote) out += c;
    out += c;
  }
  return out + quote;
}

std::string Text(const std::string& column) {
  return "q." + Quoted(column, '"') + "::pg_catalog.text";
}

/// A CASE over the column's type, which is not known here. Its casts go by way of text for the same
/// reason.
std::string ByType(const std::string& column,
                   const std::vector<std::pair<std::string, std::string>>& cases,
                   const std::string& otherwise) {
  std::string sql = "CASE pg_catalog.pg_typeof(q." + Quoted(column, '"') + ")";
  for (const auto& [type, expression] : cases) {
    sql += " WHEN 'pg_catalog." + type + "'::pg_catalog.regtype THEN " + expression;
  }
  return sql + " ELSE " + otherwise + " END";
}

/// Seconds since 1970, as the peer has times: one without a zone is taken as UTC.
std::string Epoch(const std::string& column, const std::string& type) {
  return "extract(epoch FROM " + Text(column) + "::pg_catalog." + type + ")";
}

/// A column's value as a number's text.
std::string AsNumber(const std::string& column) {
  const std::string zoned = Epoch(column, "timestamptz") + "::pg_catalog.text";
  const std::string plain = Epoch(column, "timestamp") + "::pg_catalog.text";
  const std::string text = Text(column);
  // A text that only looks like a boolean is no number there.
  const std::string number =
      "CASE WHEN " + text + " IN ('t', 'f', 'true', 'false') THEN 'text' ELSE " + text + " END";
  return ByType(column,
                {{"bool", text}, {"timestamptz", zoned}, {"timestamp", plain}, {"date", plain}},
                number);
}

/// A column's value as the peer writes it in labels: true and false, +Inf, times in whole seconds.
std::string AsLabel(const std::string& column) {
  const auto seconds = [&column](const std::string& type) {
    return "CASE WHEN pg_catalog.isfinite(" + Text(column) + "::pg_catalog." + type +
           ") THEN pg_catalog.floor(" + Epoch(column, type) +
           ")::pg_catalog.numeric::pg_catalog.text ELSE " + Text(column) + " END";
  };
  const std::string real = "CASE " + Text(column) +
                           " WHEN 'Infinity' THEN '+Inf' WHEN '-Infinity' THEN '-Inf' ELSE " +
                           Text(column) + " END";
  // concat keeps the blanks of a char(n), which a cast to text drops.
  return ByType(column,
                {{"bool", Text(column)},
                 {"float4", real},
                 {"float8", real},
                 {"timestamptz", seconds("timestamptz")},
                 {"timestamp", seconds("timestamp")},
                 {"date", seconds("timestamp")}},
                "pg_catalog.concat(q." + Quoted(column, '"') + ")");
}

/// Milliseconds: a number as it is, and what the peer cannot read: "1h2m3.5s" or an interval, in
/// whole ones.
std::string AsMilliseconds(const std::string& column) {
  const std::string text = Text(column);
  const std::string interval = "pg_catalog.trunc(extract(epoch FROM " + text +
                               "::pg_catalog.interval)::pg_catalog.numeric * "
                               "1000)::pg_catalog.text";
  return "CASE WHEN " + text + R"( ~ '^[-+]?(([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|ms|s|m|h))+$' )" +
         "THEN (SELECT pg_catalog.trunc(pg_catalog.sum(part[1]::pg_catalog.numeric * CASE part[2] "
         "WHEN 'h' THEN 3600000 WHEN 'm' THEN 60000 WHEN 's' THEN 1000 WHEN 'ms' THEN 1 "
         "WHEN 'us' THEN 0.001 ELSE 0.000001 END) * CASE WHEN " +
         text + " ~ '^-' THEN -1 ELSE 1 END)::pg_catalog.text FROM pg_catalog.regexp_matches(" +
         text + R"(, '([0-9.]+)(ns|us|ms|s|m|h)', 'g') AS part) ELSE )" +
         ByType(column, {{"interval", interval}}, AsNumber(column)) + " END";
}

/// The peer's columns of a histogram as one text (histogram_text.h).
std::string AsHistogram(const std::string& column) {
  return Text(column) + " || '|' || " + Text(column + "_bucket") + " || '|' || " +
         Text(column + "_sum") + " || '|' || " + Text(column + "_count");
}

/// A CASE that makes numbers of a column's texts.
std::string Mapping(const std::string& column, YamlMap& map) {
  std::string sql = "CASE " + Text(column);
  for (const auto& [text, number] : map.StringMap("metric_mapping")) {
    double value = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
    if (error != std::errc() || end != number.data() + number.size()) {
      map.Fail("metric_mapping", "metric_mapping: expected a number for each text" + Found(number));
      continue;
    }
    sql += " WHEN " + Quoted(text, '\'') + " THEN " + number + "::pg_catalog.float8";
  }
  return sql + " END";
}

/// Turns one namespace into a collector.
class Reader {
 public:
  Reader(const std::string& name, YamlMap& map) : map_(map) {
    collector_.name = name;
    collector_.where = map.Where();
    collector_.topic = "queries of your own";
    collector_.help = "Query of your own from --extend.query-path.";
    collector_.on_by_default = true;
    collector_.users = true;
    collector_.search_path = "pg_catalog, public";
  }

  Collector Read() {
    collectors::Query& query = collector_.queries.emplace_back();
    query.sql = map_.Require("query");
    while (!query.sql.empty() &&
           (query.sql.back() == ';' || query.sql.back() == '\n' || query.sql.back() == ' ')) {
      query.sql.pop_back();
    }
    const bool once = map_.Bool("master").value_or(false);
    collector_.scope = once ? collectors::Scope::kServer : collectors::Scope::kDatabase;
    ReadVersions();
    if (const auto seconds = map_.Int("cache_seconds"); seconds && *seconds > 0) {
      collector_.interval = std::chrono::seconds(*seconds);
    }
    Column& server = collector_.columns.emplace_back();
    server.label = "server";
    server.target = true;
    for (YamlMap& entry : map_.Maps("metrics")) {
      for (const auto& [column, value] : entry.value().members) {
        if (std::optional<YamlMap> usage = entry.Map(column)) ReadColumn(column, *usage);
      }
    }
    map_.Finish();
    query.sql = "SELECT " + Join(list_, ", ") + " FROM (" + query.sql + ") AS q";
    if (std::ranges::all_of(collector_.columns, [](const Column& c) { return c.metric.empty(); })) {
      map_.Fail("metrics",
                "'metrics' must have a COUNTER, GAUGE, MAPPEDMETRIC, HISTOGRAM or DURATION");
    }
    return std::move(collector_);
  }

 private:
  void ReadVersions() {
    const std::optional<std::string> servers = map_.String("runonserver");
    if (!servers) return;
    if (const std::optional<VersionRange> range = ReadServers(*servers)) {
      collector_.versions = collector_.queries[0].versions = *range;
    } else {
      map_.Fail("runonserver", "runonserver: expected a range such as \">=13.0.0 <17.0.0\"");
    }
  }

  void ReadColumn(const std::string& name, YamlMap& map) {
    const std::string usage = Upper(map.Require("usage"));
    const std::string help = map.String("description").value_or("");
    Column column;
    column.col = name;
    column.help = help.empty() ? "Column " + name + " of " + collector_.name + "." : help;
    const std::string metric = collector_.name + "_" + name;
    if (usage == "LABEL") {
      column.label = name;
      Select(AsLabel(name), name);
    } else if (usage == "COUNTER" || usage == "GAUGE") {
      column.metric = metric;
      column.type = usage == "GAUGE" ? MetricType::Gauge : MetricType::Counter;
      Select(AsNumber(name), name);
    } else if (usage == "MAPPEDMETRIC") {
      column.metric = metric;
      Select(Mapping(name, map), name);
    } else if (usage == "DURATION") {
      column.metric = metric + "_milliseconds";
      Select(AsMilliseconds(name), name);
    } else if (usage == "HISTOGRAM") {
      column.metric = metric;
      column.type = MetricType::Histogram;
      Select(AsHistogram(name), name);
    } else if (usage != "DISCARD") {
      map.Fail("usage", "usage: expected one of " + std::string(kUsages));
    }
    map.Finish();
    if (!column.label.empty() || !column.metric.empty()) {
      collector_.columns.push_back(std::move(column));
    }
  }

  void Select(const std::string& expression, const std::string& name) {
    list_.push_back(expression + " AS " + Quoted(name, '"'));
  }

  YamlMap& map_;
  Collector collector_;
  std::vector<std::string> list_;  // of the SELECT around the query
};

}  // namespace

std::vector<Collector> ReadPeerQueries(std::string_view text, const std::string& file,
                                       YamlErrors& errors) {
  YamlMap root = ReadYaml(text, file, errors);
  std::vector<Collector> read;
  for (const auto& [name, value] : root.value().members) {
    std::optional<YamlMap> map = root.Map(name);
    if (!map) continue;
    Collector collector = Reader(name, *map).Read();
    const bool metrics = std::ranges::any_of(
        collector.columns, [](const Column& column) { return !column.metric.empty(); });
    if (metrics && map->Has("query")) read.push_back(std::move(collector));
  }
  return read;
}

std::string Sha256(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr);
  std::string hex;
  for (unsigned i = 0; i < size; ++i) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

}  // namespace pgbeacon::config
