// The proof of users' rows: each takes its own samples, as tests prove it for the catalogue's rows.
#include <algorithm>
#include <set>
#include <string>

#include "logparse/events/state.h"

namespace pgbeacon::log {

Message SampleMessage(const EventRow& row, std::string_view sample) {
  Message message;
  message.side = row.side;
  message.severity = Severity::kLog;
  for (int i = kSeverities; i-- > 0;) {
    if ((row.severities >> i & 1) != 0) message.severity = static_cast<Severity>(i);
  }
  message.context = row.context;
  message.text = sample;
  return message;
}

void Catalogue::State::CheckUserRows() {
  std::set<int> wrong;
  Event event;
  for (std::size_t i = 0; i < data.user_rows.size(); ++i) {
    EventRow& row = data.rows[own_rows + i];
    YamlMap& map = data.user_rows[i];
    const std::size_t mistakes = map.mistakes();
    std::vector<bool> seen(row.fields.size());
    for (const std::string& sample : row.samples) {
      Match(SampleMessage(row, sample), event);
      if (event.row == nullptr) {
        map.Fail("sample", "the row does not take its sample '" + sample + "'");
      } else if (event.row != &row) {
        map.Fail("sample", "the sample '" + sample + "' is taken by '" + event.row->name + "' (" +
                               event.row->where + "), whose literal text is longer");
      } else {
        for (std::size_t f = 0; f < seen.size(); ++f) seen[f] = seen[f] || event.fields[f].present;
      }
    }
    for (std::size_t f = 0; f < seen.size() && map.mistakes() == mistakes; ++f) {
      if (seen[f] || !row.fields[f].number) continue;
      map.Fail("sample", "no sample shows a number for the field '" + row.fields[f].name + "'");
    }
    if (map.mistakes() == mistakes) continue;
    wrong.insert(static_cast<int>(own_rows + i));
    row.born = false;
  }
  data.user_rows.clear();
  if (wrong.empty()) return;
  std::erase_if(wordings,
                [&](const CompiledWording& one) { return wrong.contains(one.wording.row); });
  Index();
}

}  // namespace pgbeacon::log
