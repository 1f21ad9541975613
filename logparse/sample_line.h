// Lines of figures as Heroku's add-ons and dynos print them, in the convention of l2met and
// Librato:
//   source=DATABASE addon=postgresql-x-1 sample#db_size=61229240bytes count#resets=1
//   measure#query=4ms
//
// Example:
//   if (IsSampleRecord(message)) {
//     for (const SampleField& field : ReadSampleLine(message.text).fields) ...
//   }
//   WriteSampleLine(catalogue.samples(), "DATABASE", "orders", {{"pg_sample_tables", 38}});
//   // "source=DATABASE addon=orders sample#tables=38"
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "logparse/events/catalogue.h"
#include "logparse/message.h"

namespace pgbeacon::log {

/// Whether a message is such a line of one who may be trusted: an add-on (app[heroku-postgres]) or
/// the dyno manager (heroku[web.1]). An application may print what it likes, and names of clients
/// stand inside a pooler's lines: neither is taken.
bool IsSampleRecord(const Message& message);

/// sample#: the latest value counts; count#: values are added up; measure#: values are distributed.
enum class SampleKind : std::uint8_t { kSample, kCount, kMeasure };

struct SampleField {
  SampleKind kind = SampleKind::kSample;
  std::string_view key;    ///< may be empty
  std::string_view value;  ///< as printed, without quotes; may be empty
};

/// The words of a line that say something here. Views into the line.
struct SampleLine {
  std::string_view source;  ///< of all fields, wherever it stands
  std::string_view addon;
  std::vector<SampleField> fields;
};

/// Words are key=value; a value in double quotes may hold blanks. "measure.name=" is the older form
/// of "measure#name=".
SampleLine ReadSampleLine(std::string_view line);

/// The line with the keys that the catalogue prints, in its order, of figures by metric name. What
/// is absent or no finite number is left out. Blanks and quotes in names become '-'.
std::string WriteSampleLine(const std::vector<SampleSpec>& specs, std::string_view source,
                            std::string_view addon, const std::map<std::string, double>& figures);

}  // namespace pgbeacon::log
