// Client-side messages: what drivers make of a server's error when an application logs it
// ("PGError: ERROR: ...", "psycopg2.errors.UndefinedTable: ..."). They are counted on a side of
// their own, for the server's log has the error, too.
//
// Example:
//   Message message;
//   UnwrapClient("PG::UndefinedTable: ERROR:  relation \"t\" does not exist", message);
//   // side kClient, severity kError, sqlstate "42P01", text "relation \"t\" does not exist"
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "logparse/message.h"

namespace pgbeacon::log {

/// Takes the wrapper off `line`, which may stand behind an application's own words ("12:01:07 ERROR
/// app: "), but not in a server's message: sets side, severity, labelled, sqlstate and text of
/// `message`. False, and nothing set, when the line has none. A wrapper that other databases have
/// too ("error: ", "django.db.utils.OperationalError: ") sets no severity: the event that the text
/// is recognised as tells it. The SQLSTATE is the one that stands there, or the one that the
/// exception is named after. `wrapper`, unless null, is set to what was taken off.
bool UnwrapClient(std::string_view line, Message& message, std::string_view* wrapper = nullptr);

/// Tells the errors of applications from their retellings. A traceback shows one error in several
/// lines: as the driver's exception, then as that of each layer above it, or the other way round.
/// Rule: the same text from the same process in another wrapper is the same error, until kRun lines
/// of the log have passed or one of these wrappers comes again.
///
/// Not thread-safe. Remembers the last error of up to kProcesses processes.
class ClientErrors {
 public:
  static constexpr std::uint64_t kRun = 200;
  static constexpr std::size_t kProcesses = 64;

  /// UnwrapClient(), but a retelling of the last error is a plain line of the client: without
  /// severity, `line` its text. `number`: the line's number in the log.
  bool Unwrap(std::string_view process, std::string_view line, std::uint64_t number,
              Message& message);

 private:
  struct Last {
    std::uint64_t process = 0, text = 0;  // hashes
    std::array<std::uint64_t, 8> wrappers{};
    std::size_t told = 0;
    std::uint64_t number = 0;
  };
  bool IsRetold(std::string_view process, std::string_view wrapper, std::string_view text,
                std::uint64_t number);

  std::vector<Last> last_;  // by hash; none before the first error
};

}  // namespace pgbeacon::log
