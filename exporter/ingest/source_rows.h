// The counters of a source as rows of the state: readable, one row each.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "exporter/ingest/source_status.h"
#include "exporter/state/store.h"

namespace pgbeacon::ingest {

/// Appends a row for each counter of `now` that differs from `before`.
void AppendSourceRows(const std::string& source, const SourceStatus& now,
                      const SourceStatus& before, std::vector<state::Row>& rows);

/// Sets the counter that the row tells. False: there is none of that name, or no number.
bool RestoreSourceRow(std::string_view key, std::string_view value, SourceStatus& status);

}  // namespace pgbeacon::ingest
