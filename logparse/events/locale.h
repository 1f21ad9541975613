// Wordings of the hottest messages in other languages (logparse/locales.yml): further wordings of
// the catalogue's rows, with the same fields. Any other message in another language is known by its
// severity and SQLSTATE only.
//
// Example:
//   Result<CatalogueData> data = LoadCatalogue(...);
//   Status added = AddLocaleWordings(text, "logparse/locales.yml", *data);
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "logparse/events/loader.h"

namespace pgbeacon::log {

/// Adds the wordings of `text` to the rows of `data`, behind all that are there, so that these win
/// where both fit. Holes whose names no field has are no fields;
/// decimals_N is what follows the decimal comma of the hole before it. Wordings of rows that `data`
/// does not have are left out.
Status AddLocaleWordings(std::string_view text, std::string file, CatalogueData& data);

}  // namespace pgbeacon::log
