// LookupTable: texts that go with some label's values and are too expensive to ask for each time,
// such as the text of a statement. Only those of new values are asked for.
//
// Example:
//   if (const std::string sql = table.Sql(planned, facts, families); !sql.empty())
//     table.Learn(planned, Ask(sql));
//   table.AddTo(planned, families);
#pragma once

#include <string>
#include <unordered_map>

#include "base/families.h"
#include "collectors/engine/plan.h"

namespace pgbeacon::collectors {

/// Whether the collector has a lookup and its option is on.
bool WantsLookup(const PlannedCollector& planned);

class LookupTable {
 public:
  /// The statement that asks for what `families` have and the table has not; empty where nothing is
  /// missing. Forgets what they do not have.
  std::string Sql(const PlannedCollector& planned, const ServerFacts& facts,
                  const Families& families);
  /// Takes the answer. A value without a text is not asked for again.
  void Learn(const PlannedCollector& planned, const Rows& rows);
  /// Appends the lookup's family.
  void AddTo(const PlannedCollector& planned, Families& families) const;

 private:
  std::unordered_map<std::string, std::string> texts_;
};

}  // namespace pgbeacon::collectors
