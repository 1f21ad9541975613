#include "logparse/detect.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <set>
#include <tuple>
#include <utility>

namespace pgbeacon::log {
namespace {

constexpr std::size_t kMostHead = 768;    // bytes before a label
constexpr std::size_t kInferredFrom = 8;  // lines that prefixes are inferred from

// Ordered: where two fit equally well the first wins, so what names more fields stands first.
constexpr std::array<std::string_view, 38> kKnown = {
    // Heroku since 2022, and before.
    R"(sql_error_code = %e time_ms = "%m" pid="%p" proc_start_time="%s" session_id="%c" vtid="%v" tid="%x" log_line="%l" %qdatabase="%d" connection_source="%r" user="%u" application_name="%a" )",
    "sql_error_code = %e ",
    // pgBadger's documentation.
    "%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ",
    "%t [%p]: user=%u,db=%d,app=%a,client=%h ",
    "%m [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ",
    "%m [%p]: user=%u,db=%d,app=%a,client=%h ",
    "%m [%p] user=%u,db=%d,app=%a,client=%h ",
    "%m [%p] %quser=%u,db=%d,app=%a,client=%h ",
    "%t [%p]: [%l-1] user=%u,db=%d,remote=%r ",
    "%t [%p]: [%l-1] user=%u,db=%d ",
    "%t [%p]: user=%u,db=%d ",
    "%t [%p]: [%l-1] ",
    // Amazon RDS and Aurora.
    "%m:%r:%u@%d:[%p]:%l:%e:%s:%v:%x:%c:%q%a:",
    "%t:%r:%u@%d:[%p]:%l:%e:%s:%v:%x:%c:%q%a:",
    "%m:%r:%u@%d:[%p]:",
    "%t:%r:%u@%d:[%p]:",
    // Google Cloud SQL, Azure, Aiven, Supabase.
    "%m [%p]: [%l-1] db=%d,user=%u,host=%h ",
    "%m [%p]: [%l-1] db=%d,user=%u ",
    "%t-%c-user=%u,db=%d,app=%a,client=%h-",
    "%t-%c-",
    "[%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ",
    "pid=%p,user=%u,db=%d,app=%a,client=%h ",
    "%h %m [%p] %q%u@%d ",
    // With the application behind Debian's; the first is what docs/logs.md advises.
    "%m [%p] %q%u@%d/%a %e ",
    "%m [%p] %e %q%u@%d/%a ",
    "%m [%p] %q[user=%u,db=%d,app=%a] ",
    "%m [%p] %q%u@%d app=%a ",
    "%m [%p] %q%u@%d/%a ",
    "%m [%p] %q%u@%d %a ",
    "%t [%p] %q%u@%d %a ",
    // Debian, now and before.
    "%m [%p] %q%u@%d ",
    "%t [%p-%l] %q%u@%d ",
    "%t [%p] %q%u@%d ",
    // PostgreSQL's default, Red Hat's old ones, the bare ones.
    "%m [%p] ",
    "%t [%p] ",
    "< %m > ",
    "%m ",
    "%t ",
};

struct Score {
  std::size_t matched = 0;
  std::size_t confirmed = 0;  // by their text; these count twice
  std::size_t earlier = 0;
  std::size_t full = 0;  // matched beyond a %q
  bool operator<(const Score& other) const {
    return std::tuple(matched + confirmed, earlier, full) <
           std::tuple(other.matched + other.confirmed, other.earlier, other.full);
  }
};

// Whether the text of the message repeats the names of `head`. A short prefix fits much, since a
// name may hold nearly anything; but such a name is not the client's.
bool Confirms(const Head& head, std::string_view line) {
  const std::string_view text = line.substr(head.label_begin + head.label.size);
  if (head.user.empty() || head.database.empty()) return false;
  if (!text.starts_with("connection authorized: ") && !text.starts_with("disconnection: ")) {
    return false;
  }
  const std::string names =
      "user=" + std::string(head.user) + " database=" + std::string(head.database);
  const std::size_t begin = text.find(names);
  if (begin == std::string_view::npos) return false;
  const std::string_view rest = text.substr(begin + names.size());
  return rest.empty() || rest[0] == ' ';
}

Score ScoreOf(const Prefix& prefix, const std::vector<std::string_view>& lines,
              const std::vector<std::string>& earlier) {
  Score score;
  Head head;
  for (std::string_view line : lines) {
    if (!prefix.Match(line, head)) continue;
    ++score.matched;
    if (Confirms(head, line)) ++score.confirmed;
    if (!head.stopped) ++score.full;
  }
  for (const std::string& line : earlier) {
    if (!prefix.Match(line, head)) continue;
    ++score.earlier;
    if (Confirms(head, line)) ++score.confirmed;
  }
  return score;
}

// Whether both prefixes take the same fields from `lines`.
bool ReadsAlike(const Prefix& a, const Prefix& b, const std::vector<std::string>& lines) {
  return std::all_of(lines.begin(), lines.end(), [&](const std::string& line) {
    Head one;
    Head other;
    return a.Match(line, one) && b.Match(line, other) && one.label_begin == other.label_begin &&
           one.pid == other.pid && one.user == other.user && one.database == other.database &&
           one.application == other.application && one.sqlstate == other.sqlstate;
  });
}

const std::vector<Prefix>& KnownPrefixes() {
  static const std::vector<Prefix> prefixes = [] {
    std::vector<Prefix> all;
    for (std::string_view text : kKnown) {
      Result<Prefix> prefix = Prefix::Compile(text);
      if (prefix.ok()) all.push_back(std::move(prefix).value());
    }
    return all;
  }();
  return prefixes;
}

// The place behind %p, also where it is padded; npos: there is none.
std::size_t BehindPid(const std::string& text) {
  for (std::size_t i = text.find('%'); i != std::string::npos; i = text.find('%', i + 1)) {
    i = text.find_first_not_of("-0123456789", i + 1);
    if (i == std::string::npos) break;
    if (text[i] == 'p') return i + 1;
  }
  return std::string::npos;
}

// `text` with %q behind the pid and the literal after it: processes without a client print no more.
std::string StopAfterPid(const std::string& text) {
  const std::size_t pid = BehindPid(text);
  if (pid == std::string::npos) return {};
  const std::size_t next = text.find_first_of("%abcdefghijklmnopqrstuvwxyz", pid);
  if (next == std::string::npos) return {};
  return text.substr(0, next) + "%q" + text.substr(next);
}

// `text` with %q before the first name and the literal that leads to it.
std::string StopBeforeNames(const std::string& text) {
  std::size_t behind = 0;  // the escape before
  for (std::size_t i = text.find('%'); i != std::string::npos; i = text.find('%', i + 1)) {
    const std::size_t begin = i;
    i = text.find_first_not_of("-0123456789", i + 1);
    if (i == std::string::npos) break;
    if (std::string_view("uda").find(text[i]) != std::string_view::npos) {
      const std::size_t blank = text.find(' ', behind);
      const std::size_t stop = blank < begin ? blank + 1 : begin;
      return text.substr(0, stop) + "%q" + text.substr(stop);
    }
    behind = i + 1;
  }
  return {};
}

// Without texts, padding and %q first: among equals the stricter one wins, then the one of more
// fields.
std::vector<Prefix> Inferred(const std::vector<std::string_view>& lines) {
  std::set<std::tuple<int, bool, std::ptrdiff_t, std::string>> texts;
  const auto add = [&texts](int way, bool stops, std::string text) {
    const std::ptrdiff_t fields = std::count(text.begin(), text.end(), '%');
    texts.emplace(way, stops, -fields, std::move(text));
  };
  for (std::size_t i = 0; i < std::min(lines.size(), kInferredFrom); ++i) {
    const std::size_t label = FindLabel(lines[i], 0, kMostHead);
    if (label == 0 || label == std::string_view::npos) continue;
    for (int way = 0; way < 4; ++way) {
      std::string text = InferPrefix(lines[i].substr(0, label), way % 2 == 1, way >= 2);
      add(way, true, StopAfterPid(text));
      add(way, true, StopBeforeNames(text));
      add(way, false, std::move(text));
    }
  }
  std::vector<Prefix> prefixes;
  for (const auto& [way, stops, fields, text] : texts) {
    if (text.empty()) continue;
    Result<Prefix> prefix = Prefix::Compile(text);
    if (prefix.ok()) prefixes.push_back(std::move(prefix).value());
  }
  return prefixes;
}

}  // namespace

bool HasLabel(std::string_view line) {
  return FindLabel(line, 0, kMostHead) != std::string_view::npos;
}

Detected DetectPrefix(const std::vector<std::string_view>& lines,
                      const std::vector<std::string>& earlier, const Prefix* current) {
  Detected detected;
  std::size_t bare = 0;
  for (std::string_view line : lines) {
    bare += ParseLabel(line, LabelForm::kOneBlank).found() ? 1 : 0;
  }
  // While the current prefix fits some of the lines, those that it does not fit may be made up by
  // clients: then only one that goes on with it replaces it.
  const Score served = current == nullptr ? Score() : ScoreOf(*current, lines, earlier);
  const bool serves = served.matched * 4 >= lines.size() && served.matched > 0;
  Score best;
  const auto consider = [&](const Prefix& prefix) {
    const Score score = ScoreOf(prefix, lines, earlier);
    if (score.matched == 0 || !(best < score)) return;
    const bool goes_on =
        score.earlier >= served.earlier &&
        (score.confirmed > served.confirmed || !serves || ReadsAlike(prefix, *current, earlier));
    if (serves && !goes_on) return;
    best = score;
    detected.prefix = prefix;
  };
  if (current != nullptr) consider(*current);
  for (const Prefix& prefix : KnownPrefixes()) consider(prefix);
  // A word of unknown meaning fits much: inference only decides where no known prefix fits all and
  // the names of its clients, and some odd lines do not replace a prefix that served.
  const bool settled = best.matched == lines.size() && best.confirmed > 0;
  if (!settled && (current == nullptr || lines.size() >= kInferredFrom)) {
    for (const Prefix& prefix : Inferred(lines)) consider(prefix);
  }
  detected.bare = bare > best.matched;
  if (detected.bare || best.matched * 2 < lines.size()) detected.prefix.reset();
  return detected;
}

}  // namespace pgbeacon::log
