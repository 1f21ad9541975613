// Rows of an answer as collectors see them: names and text values, NULL apart from "".
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pgbeacon::collectors {

class Rows {
 public:
  virtual ~Rows() = default;
  virtual std::size_t rows() const = 0;
  virtual std::size_t columns() const = 0;
  virtual std::string_view name(std::size_t column) const = 0;
  /// The value in PostgreSQL's text format, nothing for NULL. Valid as long as the Rows.
  virtual std::optional<std::string_view> at(std::size_t row, std::size_t column) const = 0;
};

/// Rows held in memory: for tests and for what is not SQL.
class MemoryRows : public Rows {
 public:
  using Row = std::vector<std::optional<std::string>>;
  MemoryRows(std::vector<std::string> names, std::vector<Row> rows)
      : names_(std::move(names)), rows_(std::move(rows)) {}
  std::size_t rows() const override { return rows_.size(); }
  std::size_t columns() const override { return names_.size(); }
  std::string_view name(std::size_t column) const override { return names_[column]; }
  std::optional<std::string_view> at(std::size_t row, std::size_t column) const override {
    const std::optional<std::string>& value = rows_[row][column];
    if (!value) return std::nullopt;
    return *value;
  }

 private:
  std::vector<std::string> names_;
  std::vector<Row> rows_;
};

}  // namespace pgbeacon::collectors
