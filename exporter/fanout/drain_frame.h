// DrainFrame: what goes to a receiver in one piece: messages, each behind its length in bytes, and
// in front of them what tells of a loss.
//
//   syslog:   <134>1 2026-01-31T23:59:59.500000+00:00 d.TOKEN app postgres.7 - - LOG:  hello LF
//   Logplex:  <134>1 2026-01-31T23:59:59.500000+00:00 host app postgres.7 - LOG:  hello LF
//
// Without a token the HOSTNAME is the server. Line feeds inside a text stay; the one at the end is
// inside the count.
//
// Example:
//   DrainFrame frame = TakeFrame(buffer, form, 100 * 1024, now);
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/fanout/drain_buffer.h"
#include "exporter/fanout/drain_options.h"
#include "exporter/fanout/entry.h"

namespace pgbeacon::fanout {

struct DrainForm {
  DrainKind kind = DrainKind::kSyslog;
  std::string token;
};

struct DrainFrame {
  std::string body;
  std::vector<EntryPtr> lines;
  std::vector<std::size_t> ends;  ///< of each line's message in the body
  Loss loss;                      ///< that the first message tells of
  std::size_t loss_end = 0;       ///< of that message; 0: there is none

  std::size_t messages() const { return lines.size() + (loss.lines > 0 ? 1 : 0); }
};

/// As many of the oldest lines as `most_bytes` take, one at least. The buffer must not be empty.
DrainFrame TakeFrame(DrainBuffer& buffer, const DrainForm& form, std::size_t most_bytes,
                     std::int64_t now_unix);

/// One message with its length.
void AppendMessage(const Entry& entry, const DrainForm& form, std::string& out);

/// Logplex' "Error L10", with its length; unlike Logplex' with a line feed at its end, since
/// receivers that part messages by line feeds would glue the next one to it.
void AppendLoss(Loss loss, std::int64_t now_unix, const DrainForm& form, std::string& out);

}  // namespace pgbeacon::fanout
