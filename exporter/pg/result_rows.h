// An answer of PostgreSQL as collectors read it.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "collectors/engine/rows.h"
#include "exporter/pg/handles.h"

namespace pgbeacon::pg {

class ResultRows : public collectors::Rows {
 public:
  explicit ResultRows(PgResult result) : result_(std::move(result)) {}

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
    return std::string_view(PQgetvalue(result_.get(), r, c), static_cast<std::size_t>(length));
  }

 private:
  PgResult result_;
};

}  // namespace pgbeacon::pg
