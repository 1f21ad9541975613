// An answer of PostgreSQL as collectors read it.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "collectors/engine/rows.h"
#include "exporter/pg/handles.h"

namespace pgbeacon::pg {

class ResultRows : public collectors::Rows {
 public:
  /// `mend`: values that are not UTF-8 are made so.
  explicit ResultRows(PgResult result, bool mend = false) : result_(std::move(result)) {
    if (mend) Mend();
  }

  std::size_t rows() const override { return static_cast<std::size_t>(PQntuples(result_.get())); }
  std::size_t columns() const override {
    return static_cast<std::size_t>(PQnfields(result_.get()));
  }
  std::string_view name(std::size_t column) const override {
    return PQfname(result_.get(), static_cast<int>(column));
  }
  std::optional<std::string_view> at(std::size_t row, std::size_t column) const override {
    const int r = static_cast<int>(row);
    const int c = static_cast<int>(column);
    const int length = PQgetlength(result_.get(), r, c);  // 0 of a NULL, too
    if (length == 0 && PQgetisnull(result_.get(), r, c)) return std::nullopt;
    if (!mended_.empty()) {
      if (const auto mended = mended_.find({row, column}); mended != mended_.end()) {
        return mended->second;
      }
    }
    return std::string_view(PQgetvalue(result_.get(), r, c), static_cast<std::size_t>(length));
  }

 private:
  std::string_view Raw(int row, int column) const {
    return {PQgetvalue(result_.get(), row, column),
            static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
  }

  void Mend() {
    for (std::size_t row = 0; row < rows(); ++row) {
      for (std::size_t column = 0; column < columns(); ++column) {
        const std::string_view raw = Raw(static_cast<int>(row), static_cast<int>(column));
        if (!IsUtf8(raw)) mended_[{row, column}] = ToUtf8(raw);
      }
    }
  }

  PgResult result_;
  std::map<std::pair<std::size_t, std::size_t>, std::string> mended_;
};

}  // namespace pgbeacon::pg
