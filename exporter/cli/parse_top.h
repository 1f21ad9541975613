// `pgbeacon parse --top N`: which statements took the most, in four rankings.
#pragma once

#include <string>

#include "logparse/tally.h"

namespace pgbeacon::cli {

/// The rankings as aligned tables: most time, slowest, most calls, most I/O; `n` rows each, then
/// what the rest and all took. Texts are shown where the tally kept them
/// (TallyOptions::keep_texts). The tally must have been made with TallyOptions::fingerprints > 0.
std::string FormatTop(const log::Tally& tally, int n, bool color);

/// The same as one JSON object, with a line feed.
std::string TopJson(const log::Tally& tally, int n);

}  // namespace pgbeacon::cli
