#include "logparse/top_plan.h"

#include <algorithm>
#include <charconv>

namespace pgbeacon::log {
namespace {

constexpr std::uint64_t kBlockBytes = 8192;
constexpr std::uint64_t kMostBlocks = std::uint64_t{1} << 48;  // beyond it a number is no count
constexpr std::string_view kQueryText = "Query Text: ";
constexpr std::string_view kBuffers = "Buffers: ";

/// The number that `text` begins with, in bytes.
std::uint64_t Blocks(std::string_view text) {
  std::uint64_t blocks = 0;
  std::from_chars(text.data(), text.data() + text.size(), blocks);
  return std::min(blocks, kMostBlocks) * kBlockBytes;
}

std::string_view NextLine(std::string_view& rest) {
  const std::string_view line = rest.substr(0, rest.find('\n'));
  rest.remove_prefix(std::min(rest.size(), line.size() + 1));
  return line;
}

/// "shared hit=3 read=1, temp read=2 written=2", as EXPLAIN prints it.
void TakeBuffers(std::string_view line, LoggedPlan& plan) {
  bool temp = false;
  while (!line.empty()) {
    const std::string_view word = line.substr(0, line.find_first_of(" ,"));
    line.remove_prefix(std::min(line.size(), word.size() + 1));
    const std::size_t equals = word.find('=');
    if (equals == std::string_view::npos) {
      if (!word.empty()) temp = word == "temp";
      continue;
    }
    const std::string_view name = word.substr(0, equals);
    const std::uint64_t bytes = Blocks(word.substr(equals + 1));
    if (name == "written" && temp) {
      plan.temp_bytes += bytes;
    } else if (name == "read" || name == "written") {
      plan.bytes += bytes;
    }
  }
  plan.has_buffers = true;
}

/// The first line "Buffers:" is the top node's, which includes those below it.
LoggedPlan ReadText(std::string_view rest) {
  LoggedPlan plan;
  const std::string_view query = rest;
  std::size_t query_bytes = rest.size();
  for (bool in_plan = false; !rest.empty();) {
    const auto begin = static_cast<std::size_t>(rest.data() - query.data());
    const std::string_view line = NextLine(rest);
    if (!in_plan) {
      in_plan = begin > 0 && line.find("  (cost=") != std::string_view::npos;
      const bool ends = in_plan || (begin > 0 && line.starts_with("Query Parameters: "));
      if (ends) query_bytes = std::min(query_bytes, begin - 1);
      continue;
    }
    const std::size_t start = line.find_first_not_of(' ');
    if (start == std::string_view::npos || !line.substr(start).starts_with(kBuffers)) continue;
    TakeBuffers(line.substr(start + kBuffers.size()), plan);
    break;
  }
  plan.query = query.substr(0, query_bytes);
  return plan;
}

/// A string of JSON up to its closing quote. Characters that are written as numbers become '?':
/// what is no ASCII stands in the log as it is.
std::string Unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size() && text[i] != '"'; ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    ++i;
    const char c = i < text.size() ? text[i] : '\\';
    if (c == 'u') i = std::min(i + 4, text.size());
    out += c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c == 'u' ? '?' : c;
  }
  return out;
}

/// The keys of the top node come before those of the nodes below it; within strings quotes are
/// escaped.
LoggedPlan ReadJson(std::string_view rest) {
  LoggedPlan plan;
  const auto value = [&rest](std::string_view key) -> std::string_view {
    const std::size_t at = rest.find(key);
    return at == std::string_view::npos ? std::string_view() : rest.substr(at + key.size());
  };
  plan.query = Unescape(value("\"Query Text\": \""));
  rest = value("\"Plan\": ");
  for (const std::string_view key :
       {"\"Shared Read Blocks\": ", "\"Shared Written Blocks\": ", "\"Local Read Blocks\": ",
        "\"Local Written Blocks\": ", "\"Temp Read Blocks\": "}) {
    const std::string_view blocks = value(key);
    plan.has_buffers = plan.has_buffers || !blocks.empty();
    plan.bytes += Blocks(blocks);
  }
  plan.temp_bytes = Blocks(value("\"Temp Written Blocks\": "));
  return plan;
}

}  // namespace

LoggedPlan ReadPlan(std::string_view plan) {
  const std::size_t start = plan.find_first_not_of(" \n");
  if (start == std::string_view::npos) return {};
  plan.remove_prefix(start);
  if (plan.starts_with('{')) return ReadJson(plan);
  if (!plan.starts_with(kQueryText)) return {};
  return ReadText(plan.substr(kQueryText.size()));
}

}  // namespace pgbeacon::log
