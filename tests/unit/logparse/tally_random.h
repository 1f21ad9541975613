// Random messages that feed everything a tally holds.
#pragma once

#include <random>
#include <string>
#include <string_view>

#include "tally_support.h"

namespace pgbeacon::log {

class RandomMessages {
 public:
  explicit RandomMessages(unsigned seed) : random_(seed) {}

  struct Next {
    Message message;
    std::string server;
  };

  /// Views are valid until the next call.
  Next Take() {
    Next next;
    next.server = "s" + Number(3);
    Message& message = next.message;
    message.severity = static_cast<Severity>(random_() % kSeverities);
    switch (random_() % 12) {
      case 0:
      case 1:
      case 2:
        text_ = "duration: " + Number(90000) + "." + Number(1000) +
                " ms  statement: SELECT * FROM t" + Number(1 + random_() % 30);
        message.severity = Severity::kLog;
        break;
      case 3:
        text_ =
            "duration: " + Number(900) + " ms  plan:\nQuery Text: SELECT " + Number(3) +
            " FROM t\nSort  (cost=1.00..2.00 rows=3 width=4)\n  Buffers: shared read=" + Number(99);
        message.severity = Severity::kLog;
        break;
      case 4:
        text_ = "temporary file: path \"x\", size " + Number(1U << 31);
        message.severity = Severity::kLog;
        message.statement = "SELECT a FROM t ORDER BY 1";
        break;
      case 5:
        text_ = "process 1 acquired " + std::string(1, static_cast<char>('A' + random_() % 26)) +
                "Lock on x after " + Number(9999) + "." + Number(1000) + " ms";
        message.severity = Severity::kLog;
        break;
      case 6:
        text_ = "relation \"t\" does not exist";
        message.side = random_() % 3 == 0 ? Side::kClient : Side::kServer;
        if (random_() % 2 == 0) message.sqlstate = random_() % 2 == 0 ? "40001" : "MY001";
        break;
      case 7:
        text_ = "at=error code=" + Code() + " desc";
        message.side = Side::kPlatform;
        break;
      case 8:
        text_ = "source=A addon=pg-" + Number(3) + " sample#tables=" + Number(99) + " sample#odd" +
                Number(5) + "=" + Number(99) + "." + Number(99) + " count#c" + Number(4) + "=" +
                Number(9) + " measure#m=" + Number(999) + "ms";
        message.side = Side::kPlatform;
        message.source = "app";
        message.process = "heroku-postgres";
        break;
      case 9:
        text_ = random_() % 2 == 0 ? "nobody knows this" : Stats();
        message.side = Side::kPooler;
        break;
      default:
        TakeSample(message);
    }
    message.text = text_;
    database_ = random_() % 4 == 0 ? "" : "db" + Number(6);
    if (random_() % 50 == 0) database_ = "\"\\\n\xff" + std::string(120, 'x');
    if (message.side == Side::kServer) message.database = database_;
    if (random_() % 20 == 0) message.application = "pgbeacon";
    return next;
  }

 private:
  std::string Number(std::uint32_t below) { return std::to_string(random_() % below); }

  // Enough of them to reach the cap, and some that need escaping.
  std::string Code() {
    if (random_() % 10 == 0) return "other";
    if (random_() % 10 == 0) return "\"\\" + std::string(1, static_cast<char>(random_()));
    return "H" + Number(400);
  }

  std::string Stats() {
    return "stats: " + Number(99) + " xacts/s, " + Number(99) +
           " queries/s, in 1 B/s, out 2 B/s, xact " + Number(999) + " us, query 4 us, wait 5 us";
  }

  // A line of the catalogue.
  void TakeSample(Message& message) {
    const std::vector<EventRow>& rows = Builtin().rows();
    const EventRow& row = rows[random_() % rows.size()];
    if (row.samples.empty()) return;
    text_ = row.samples[random_() % row.samples.size()];
    message = SampleMessage(row, text_);
  }

  std::mt19937 random_;
  std::string text_, database_;
};

}  // namespace pgbeacon::log
