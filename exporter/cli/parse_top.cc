#include "exporter/cli/parse_top.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "exporter/cli/table.h"
#include "logparse/fingerprint.h"

namespace pgbeacon::cli {
namespace {

using log::NamedStatement;
using log::StatementStats;
using log::StatementTotals;

/// Temporary blocks in plans count where no temporary files were logged: they are the same bytes.
std::uint64_t IoBytes(const StatementStats& stats, const StatementTotals& totals) {
  return stats.plan_bytes +
         (totals.temp_files_known ? stats.temp_file_bytes : stats.plan_temp_bytes);
}

double Mean(const StatementStats& stats) {
  return stats.calls == 0 ? 0 : stats.seconds.value() / static_cast<double>(stats.calls);
}

struct Ranking {
  const char* key;
  const char* heading;
  double (*value)(const StatementStats& stats, const StatementTotals& totals);
  bool adds_up;  // so that a statement has a share of all
};

constexpr Ranking kRankings[] = {
    {"most_time", "Most time in all",
     [](const StatementStats& s, const StatementTotals&) { return s.seconds.value(); }, true},
    {"slowest", "Slowest on average",
     [](const StatementStats& s, const StatementTotals&) { return Mean(s); }, false},
    {"most_calls", "Most calls",
     [](const StatementStats& s, const StatementTotals&) { return static_cast<double>(s.calls); },
     true},
    {"most_io", "Most I/O",
     [](const StatementStats& s, const StatementTotals& t) {
       return static_cast<double>(IoBytes(s, t));
     },
     true},
};
constexpr const char* kIo = "most_io";

bool IsIo(const Ranking& ranking) { return std::string_view(ranking.key) == kIo; }
bool IoKnown(const StatementTotals& totals) {
  return totals.temp_files_known || totals.plans_known;
}

std::string IoSources(const StatementTotals& totals) {
  if (totals.temp_files_known && totals.plans_known) return "temporary files and plans";
  return totals.temp_files_known ? "temporary files only" : "plans only";
}

struct Ranked {
  std::vector<const NamedStatement*> rows;
  StatementStats rest;  // what all others took
};

Ranked Rank(const StatementTotals& totals, const Ranking& ranking, int n) {
  Ranked ranked;
  for (const NamedStatement& row : totals.rows) {
    if (ranking.value(row, totals) > 0) ranked.rows.push_back(&row);
  }
  const std::size_t most = std::min(ranked.rows.size(), static_cast<std::size_t>(std::max(n, 0)));
  const auto middle = ranked.rows.begin() + static_cast<std::ptrdiff_t>(most);
  const auto before = [&](const NamedStatement* a, const NamedStatement* b) {
    const double of_a = ranking.value(*a, totals);
    const double of_b = ranking.value(*b, totals);
    return of_a != of_b ? of_a > of_b : a->fingerprint < b->fingerprint;
  };
  std::ranges::partial_sort(ranked.rows, middle, before);
  ranked.rows.erase(middle, ranked.rows.end());
  ranked.rest = totals.other;
  for (const NamedStatement& row : totals.rows) {
    if (std::ranges::find(ranked.rows, &row) == ranked.rows.end()) ranked.rest.Add(row);
  }
  return ranked;
}

double Share(const StatementStats& stats, const StatementTotals& totals, const Ranking& ranking) {
  const double all = ranking.value(totals.all, totals);
  return all > 0 ? ranking.value(stats, totals) / all : 0;
}

std::string Milliseconds(double seconds) { return fmt::format("{:.3f}", seconds * 1000); }

TableRow Cells(std::string name, const StatementStats& stats, const StatementTotals& totals,
               const Ranking& ranking) {
  TableRow cells = {
      std::move(name), fmt::format("{}", stats.calls), fmt::format("{:.3f}", stats.seconds.value()),
      stats.calls == 0 ? "" : Milliseconds(Mean(stats)), Milliseconds(stats.max_seconds)};
  if (IoKnown(totals)) cells.push_back(fmt::format("{}", IoBytes(stats, totals)));
  cells.push_back(ranking.adds_up ? fmt::format("{:.1f} %", Share(stats, totals, ranking) * 100)
                                  : std::string());
  return cells;
}

/// Numbers stand under each other at their ends.
void AlignRight(std::vector<TableRow>& rows) {
  for (std::size_t column = 1; column < rows.front().size(); ++column) {
    std::size_t width = 0;
    for (const TableRow& row : rows) width = std::max(width, row[column].size());
    for (TableRow& row : rows) row[column] = fmt::format("{:>{}}", row[column], width);
  }
}

std::string RankingTable(const StatementTotals& totals, const Ranking& ranking, int n,
                         bool with_text) {
  const Ranked ranked = Rank(totals, ranking, n);
  TableRow header = {"fingerprint", "calls", "total s", "mean ms", "max ms"};
  if (IoKnown(totals)) header.emplace_back("I/O bytes");
  header.emplace_back("share");
  std::vector<TableRow> rows = {header};
  for (const NamedStatement* row : ranked.rows) {
    rows.push_back(Cells(log::FingerprintName(row->fingerprint), *row, totals, ranking));
  }
  rows.push_back(Cells("other", ranked.rest, totals, ranking));
  rows.push_back(Cells("all", totals.all, totals, ranking));
  AlignRight(rows);
  if (with_text) {
    rows[0].emplace_back("statement");
    for (std::size_t i = 1; i < rows.size(); ++i) {
      const bool named = i <= ranked.rows.size();
      rows[i].push_back(named ? ToUtf8(ranked.rows[i - 1]->text) : std::string());
    }
  }
  header = rows.front();
  rows.erase(rows.begin());
  return FormatTable(header, rows);
}

boost::json::object StatsJson(const StatementStats& stats, const StatementTotals& totals,
                              const Ranking& ranking) {
  boost::json::object object = {{"calls", stats.calls},
                                {"total_seconds", stats.seconds.value()},
                                {"mean_seconds", nullptr},
                                {"max_seconds", stats.max_seconds}};
  if (stats.calls > 0) object["mean_seconds"] = Mean(stats);
  if (IoKnown(totals)) object["io_bytes"] = IoBytes(stats, totals);
  if (ranking.adds_up) object["share"] = Share(stats, totals, ranking);
  return object;
}

boost::json::object RankingJson(const StatementTotals& totals, const Ranking& ranking, int n) {
  const Ranked ranked = Rank(totals, ranking, n);
  boost::json::array statements;
  for (const NamedStatement* row : ranked.rows) {
    boost::json::object object = {{"fingerprint", log::FingerprintName(row->fingerprint)}};
    for (auto& [key, value] : StatsJson(*row, totals, ranking)) object[key] = value;
    if (!row->text.empty()) object["statement"] = ToUtf8(row->text);
    statements.push_back(std::move(object));
  }
  return {{"statements", std::move(statements)},
          {"other", StatsJson(ranked.rest, totals, ranking)},
          {"all", StatsJson(totals.all, totals, ranking)}};
}

}  // namespace

std::string FormatTop(const log::Tally& tally, int n, bool color) {
  const StatementTotals totals = tally.Statements();
  const bool with_text =
      std::ranges::any_of(totals.rows, [](const NamedStatement& row) { return !row.text.empty(); });
  std::string out;
  for (const Ranking& ranking : kRankings) {
    std::string heading = ranking.heading;
    if (IsIo(ranking) && IoKnown(totals)) heading += " (known: " + IoSources(totals) + ")";
    if (!out.empty()) out += '\n';
    out += color ? "\x1b[1m" + heading + "\x1b[0m\n" : heading + "\n";
    if (IsIo(ranking) && !IoKnown(totals)) {
      out +=
          "  The log does not tell: neither temporary files (log_temp_files) nor plans with "
          "buffers (auto_explain.log_buffers) are in it.\n";
    } else {
      out += RankingTable(totals, ranking, n, with_text);
    }
  }
  return out;
}

std::string TopJson(const log::Tally& tally, int n) {
  const StatementTotals totals = tally.Statements();
  boost::json::object object;
  for (const Ranking& ranking : kRankings) {
    if (IsIo(ranking) && !IoKnown(totals)) {
      object[ranking.key] = nullptr;
    } else {
      object[ranking.key] = RankingJson(totals, ranking, n);
    }
  }
  object["io_known"] = {{"temporary_files", totals.temp_files_known},
                        {"plans", totals.plans_known}};
  return boost::json::serialize(object) + "\n";
}

}  // namespace pgbeacon::cli
