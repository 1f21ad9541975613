// Writer: commits on a thread of its own, one after the other, and says when each is on disk.
//
// Example:
//   Writer writer(std::move(*store));          // or Writer(std::nullopt): memory only
//   writer.Submit(std::move(rows), [&](bool durable) { ... });   // called on the writer's thread
//   writer.AppendFamilies(families);           // any thread
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/families.h"
#include "exporter/state/store.h"

namespace pgbeacon::state {

/// Submit() by one thread; AppendFamilies() by any.
class Writer {
 public:
  /// After a failure the next try comes so much later, whether more is submitted or not.
  static constexpr std::chrono::seconds kRetry{1};

  /// Told whether the rows are on disk; false: they are kept and written with the next commit that
  /// succeeds. What is kept is the last value of each row, so no more than the state itself.
  using Done = std::function<void(bool durable)>;

  /// Without a store every commit succeeds at once and nothing is kept.
  explicit Writer(std::optional<Store> store);
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  /// Writes what was submitted and what is kept, if it can, before it goes.
  ~Writer();

  /// At most one commit is under way: call again after `done`. Never blocks.
  void Submit(std::vector<Row> rows, Done done);

  /// Whether all that `done` was told of is on disk. Also without a store.
  bool durable() const;
  /// pgbeacon_state_durable, pgbeacon_state_commit_seconds, pgbeacon_state_errors_total{reason};
  /// nothing without a store.
  void AppendFamilies(Families& families) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pgbeacon::state
