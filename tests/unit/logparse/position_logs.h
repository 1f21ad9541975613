// Logs of every form for the tests of positions: sessions that interleave, records of several
// lines, names that tear heads apart, pieces in the wrong order, noise. All of it depends on the
// seed alone.
#pragma once

#include <cstdint>
#include <deque>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "form_support.h"
#include "logparse/forms/form.h"

namespace pgbeacon::log {

class LogMaker {
 public:
  explicit LogMaker(std::uint32_t seed) : random_(seed) {}

  std::size_t Below(std::size_t n) { return n == 0 ? 0 : random_() % n; }
  bool OneIn(std::size_t n) { return Below(n) == 0; }

  /// stderr with a log_line_prefix; `clean`: no noise and no names that tear heads apart.
  std::string Stderr(std::string_view prefix, int records, bool clean = false) {
    Sessions sessions(6);
    for (int i = 0; i < records; ++i) {
      Lines& lines = sessions[Below(sessions.size())];
      AddRecord(prefix, Somebody(clean), lines);
      if (!clean && OneIn(12)) lines.push_back(Noise());
    }
    return Interleave(std::move(sessions));
  }

  /// A file of syslog with pieces "[N-M]", or with `numbers` records "[N]".
  std::string Syslog(std::string_view prefix, int records, bool numbers, bool clean = false) {
    Sessions sessions(5);
    for (int i = 0; i < records; ++i) {
      const Who who = Somebody(clean);
      Lines record;
      AddRecord(prefix, who, record);
      const std::string head =
          "Nov 20 20:14:" + Two() + " db1 postgres[" + who.pid + "]: [" + std::to_string(++number_);
      Lines& lines = sessions[Below(sessions.size())];
      AddPieces(record, head, numbers, clean, lines);
      if (!clean && OneIn(6)) lines.push_back("Nov 20 20:14:23 db1 sshd[12]: session " + Id());
      if (!clean && OneIn(9)) {
        lines.push_back("Nov 20 20:14:23 db1 pgbouncer[7]: C-0x1: shop/bob@10.0.0.1:5 closing " +
                        Id());
      }
    }
    return Interleave(std::move(sessions));
  }

  /// What `heroku logs` prints.
  std::string Heroku(int records, bool clean = false) {
    Sessions sessions(5);
    for (int i = 0; i < records; ++i) {
      Lines& lines = sessions[Below(sessions.size())];
      const std::string at = "2026-11-20T20:14:" + Two() + "+00:00 ";
      if (!clean && OneIn(4)) {
        lines.push_back(at + "heroku[router]: at=info method=GET " + Id());
      } else if (!clean && OneIn(3)) {
        const std::string error = "relation \"t" + std::to_string(Below(4)) + "\" does not exist";
        lines.push_back(at + "app[web.1]: PG::UndefinedTable: ERROR:  " + error);
        lines.push_back(at + "app[web.1]: ActiveRecord::StatementInvalid (PG::UndefinedTable: " +
                        "ERROR:  " + error + ")");
      } else {
        Lines record;
        AddRecord("", Somebody(true), record);
        const std::string head = at + "app[postgres." + std::to_string(1 + Below(3)) +
                                 "]: [GOLD] [" + std::to_string(++number_);
        AddPieces(record, head, false, clean, lines);
      }
    }
    return Interleave(std::move(sessions));
  }

  std::string Pgbouncer(int records, bool clean = false) {
    Lines lines;
    for (int i = 0; i < records; ++i) {
      const std::string name = !clean && OneIn(5) ? "b\no\nb" : "bob";
      lines.push_back("2026-11-20 20:14:" + Two() + ".241 UTC [10384] LOG C-0x55d0: shop/" + name +
                      "@10.0.0.7:51234 closing because: " + Id());
      if (OneIn(4)) lines.push_back("rest of it");
      if (!clean && OneIn(9)) lines.push_back("2026-11-20 20:14:23.241 UTC [1] LOG C-0x1: (no");
    }
    return Interleave({std::move(lines)});
  }

  std::string CsvLog(int records, bool clean = false) {
    std::string log;
    for (int i = 0; i < records; ++i) {
      std::string record = Csv(SomeRow());
      if (!clean && OneIn(8)) record.resize(Below(record.size()));
      if (!clean && OneIn(12)) record += "noise,\"\n";
      log += record;
    }
    return log;
  }

  std::string JsonLog(int records, bool clean = false) {
    std::string log;
    for (int i = 0; i < records; ++i) {
      std::string record = Json(SomeRow());
      if (!clean && OneIn(8)) record.resize(Below(record.size()));
      if (!clean && OneIn(12)) record += "{\"noise\":\n\n";
      log += record;
    }
    return log;
  }

  /// The lines of `log` as a container runtime keeps them.
  std::string Cri(std::string_view log, bool clean = false) {
    return Wrap(log, [&](std::string_view line) {
      const std::string head = "2026-11-20T20:14:" + Two() + ".488512345Z ";
      const std::string stream = OneIn(9) ? "stdout " : "stderr ";
      std::string out;
      while (!clean && line.size() > 20 && OneIn(3)) {
        const std::size_t size = 1 + Below(line.size() - 1);
        out += head + stream + "P " + std::string(line.substr(0, size)) + '\n';
        line.remove_prefix(size);
        if (OneIn(4)) out += head + "stdout F LOG:  beside it\n";
      }
      return out + head + stream + "F " + std::string(line) + '\n' +
             (!clean && OneIn(30) ? "noise\n" : "");
    });
  }

  std::string Docker(std::string_view log) {
    return Wrap(log, [&](std::string_view line) {
      return "{\"log\":" + JsonText(std::string(line) + '\n') +
             ",\"stream\":\"stderr\",\"time\":\"2026-11-20T20:14:" + Two() + ".488512345Z\"}\n" +
             (OneIn(30) ? "{\"bad\n" : "");
    });
  }

 private:
  struct Who {
    std::string pid, session, user, database, application;
  };
  using Lines = std::deque<std::string>;
  using Sessions = std::vector<Lines>;

  std::string Two() { return std::to_string(10 + Below(50)); }
  std::string Id() { return '<' + std::to_string(++id_) + '>'; }

  // Mostly one of few, so that sessions go on; names with line feeds, labels and separators.
  Who Somebody(bool clean) {
    static constexpr std::string_view kNames[] = {"bob", "eve", "a b", "x\ny", "LOG:  z\nq", "w@x"};
    Who who;
    const std::size_t number = OneIn(4) ? 5000 + ++sessions_ : 4000 + Below(5);
    who.pid = std::to_string(number);
    who.session = "6a5f3c2b." + who.pid;
    who.user = kNames[clean ? number % 2 : number % std::size(kNames)];
    who.database = !clean && number % 7 == 0 ? "d\nb" : "shop";
    who.application = kNames[clean ? number % 2 : (number / 2) % std::size(kNames)];
    return who;
  }

  static std::string Expanded(std::string_view prefix, const Who& who) {
    std::string out;
    for (std::size_t i = 0; i < prefix.size(); ++i) {
      if (prefix[i] != '%') {
        out += prefix[i];
        continue;
      }
      switch (prefix[++i]) {
        case 'm':
          out += "2026-11-20 20:14:23.488 UTC";
          break;
        case 't':
          out += "2026-11-20 20:14:23 UTC";
          break;
        case 'p':
          out += who.pid;
          break;
        case 'c':
          out += who.session;
          break;
        case 'r':
          out += "10.0.0.1(55555)";
          break;
        case 'u':
          out += who.user;
          break;
        case 'd':
          out += who.database;
          break;
        case 'a':
          out += who.application;
          break;
        default:
          break;
      }
    }
    return out;
  }

  void AddRecord(std::string_view prefix, const Who& who, Lines& lines) {
    static constexpr std::string_view kLabels[] = {"LOG", "ERROR", "FATAL", "WARNING"};
    const std::string head = Expanded(prefix, who);
    std::string text = Id();
    if (OneIn(5)) {
      text = "connection authorized: user=" + who.user + " database=" + who.database + ' ' + text;
    } else if (OneIn(2)) {
      text += " relation \"t\" does not exist, says a text of some length and then some more";
    }
    lines.push_back(head + std::string(kLabels[Below(std::size(kLabels))]) + ":  " + text);
    for (std::size_t i = OneIn(3) ? Below(4) : 0; i > 0; --i) lines.push_back("\tgoes on");
    if (OneIn(3)) lines.push_back(head + "DETAIL:  more of " + text);
    if (OneIn(3)) lines.push_back(head + "STATEMENT:  select 1,");
    if (OneIn(4)) lines.push_back("\t2 from t");
  }

  // The lines of one record as pieces, of which some are swapped, lost or come twice; with
  // `numbers` as one line.
  void AddPieces(const Lines& record, const std::string& head, bool numbers, bool clean,
                 Lines& lines) {
    Lines pieces;
    std::string whole = head + "] ";
    for (std::string line : record) {
      if (!pieces.empty()) whole += "#012";
      for (const char c : line)
        whole += c == '\n' ? "#012" : c == '\t' ? "#011" : std::string(1, c);
      std::replace(line.begin(), line.end(), '\n', ' ');
      pieces.push_back(head + '-' + std::to_string(pieces.size() + 1) + "] " + line);
    }
    if (numbers) pieces = {whole};
    if (!clean && pieces.size() > 1 && OneIn(4)) std::swap(pieces.back(), pieces[1]);
    if (!clean && pieces.size() > 2 && OneIn(8)) pieces.erase(pieces.begin() + 1);
    if (!clean && OneIn(20)) pieces.push_back(pieces.back());
    lines.insert(lines.end(), pieces.begin(), pieces.end());
  }

  std::string Noise() {
    static constexpr std::string_view kNoise[] = {"", "\torphan", "no prefix",
                                                  "2026-11-20 20:14:23"};
    return std::string(kNoise[Below(std::size(kNoise))]);
  }

  Row SomeRow() {
    Row row;
    row.message = Id() + (OneIn(3) ? " with \"quotes\",\ntwo lines" : "");
    row.pid = std::to_string(4000 + Below(5));
    if (OneIn(2)) row.user = "bob";
    if (OneIn(3)) row.detail = "a detail\n2026-11-20 20:14:23.488 UTC,\"x\"";
    if (OneIn(3)) row.query = "select 1,\n\t2";
    return row;
  }

  // One log of the sessions' lines; each session keeps its order.
  std::string Interleave(Sessions sessions) {
    const std::string_view end = OneIn(6) ? "\r\n" : "\n";
    std::string log;
    std::size_t current = 0;
    for (;;) {
      std::vector<std::size_t> left;
      for (std::size_t i = 0; i < sessions.size(); ++i) {
        if (!sessions[i].empty()) left.push_back(i);
      }
      if (left.empty()) return log;
      if (sessions[current].empty() || OneIn(3)) current = left[Below(left.size())];
      log.append(sessions[current].front()).append(end);
      sessions[current].pop_front();
    }
  }

  template <class OfLine>
  static std::string Wrap(std::string_view log, OfLine of_line) {
    std::string out;
    while (!log.empty()) {
      const std::size_t feed = std::min(log.find('\n'), log.size() - 1);
      out += of_line(log.substr(0, feed));
      log.remove_prefix(feed + 1);
    }
    return out;
  }

  std::mt19937 random_;
  int id_ = 0, number_ = 0;
  std::size_t sessions_ = 0;
};

}  // namespace pgbeacon::log
