// What a Tally holds; for its own sources (tally*.cc) alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "logparse/cells.h"
#include "logparse/live_signs.h"
#include "logparse/tally.h"
#include "logparse/tally_server.h"

namespace pgbeacon::log {

inline constexpr std::string_view kOther = "other";
inline constexpr std::string_view kUnknown = "unknown";

/// What a row's messages tell about statements.
struct StatementUse {
  enum class Kind : std::uint8_t { kNone, kRun, kPreparation, kPlan, kTempFile };
  Kind kind = Kind::kNone;
  std::size_t field = 0;  // the duration or size
};

/// What the key of a row names.
struct RowPart {
  enum class Kind : std::uint8_t {
    kServer,
    kDatabases,
    kMessages,
    kOwnMessages,
    kErrors,
    kClientErrors,
    kEvents,
    kOtherPoolerLines,
    kStatement,
    kFamily
  };
  Kind kind = Kind::kFamily;
  std::size_t family = 0;  ///< of kFamily: index into Catalogue::families()
};

bool IsError(Severity severity);

struct Tally::State {
  State(const Catalogue& catalogue, TallyOptions options);
  void ListParts();

  std::string_view SqlstateLabel(const Message& message, const Event& event) const {
    const std::string_view code = SqlstateOf(message, event);
    if (code.empty()) return kUnknown;
    return catalogue.KnownSqlstate(code) ? code : kOther;
  }

  std::size_t RowOf(const Event& event) const {
    return static_cast<std::size_t>(event.row - catalogue.rows().data());
  }

  ServerTally& At(int server) const { return *servers[static_cast<std::size_t>(server)]; }
  std::unique_ptr<ServerTally> MakeServer(std::string name) const;
  /// The handle of a server of that very name, made if need be; -1: there is no room, or no
  /// server can have the name.
  int Admit(std::string_view name);
  bool HasRoom(std::string_view name) const;
  void Touch(ServerTally& server, int index) {
    server.touched = true;
    touched.push_back(index);
  }

  bool IsOwn(const Message& message) const {
    return !options.own_application.empty() && message.application == options.own_application;
  }
  void CountServer(ServerTally& server, const Message& message, const Event& event) const;
  void CountLive(ServerTally& server, const Message& message, const Event& event, double now);
  void CountStatement(StatementTable& statements, const Message& message, const Event& event) const;
  void CountOther(ServerTally& server, const Message& message, const Event& event,
                  double now) const;

  Families Collect(std::vector<const ServerTally*> shown, double now) const;
  void CollectCounts(const Labels& labels, const LogCounts& counts,
                     std::map<std::string, Family>& families) const;
  void CollectCells(const ServerTally& server, std::map<std::string, Family>& families) const;
  void CollectApart(const ServerTally& server, double now,
                    std::map<std::string, Family>& families) const;

  bool RestoreRow(ServerTally& server, const TallyRow& row);
  bool RestorePart(const RowPart& part, ServerTally& server,
                   const std::optional<std::string>& value);
  bool RestoreCount(RowPart::Kind kind, ServerTally& server, std::uint64_t count);
  bool RestoreSeries(std::size_t family, ServerTally& server, std::string_view value);
  LogCounts* CountsToRestore(ServerTally& server, std::size_t own_labels) const;

  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };
  template <class Value>
  using ByName = std::unordered_map<std::string, Value, Hash, std::equal_to<>>;

  const Catalogue& catalogue;
  TallyOptions options;
  CellPlan plan;
  LiveSigns live_signs;
  std::vector<StatementUse> statement_uses;  // by row
  std::vector<std::unique_ptr<ServerTally>> servers;
  ByName<int> by_name;
  std::vector<int> touched;             // servers that counted since the last Changes()
  ByName<RowPart> parts;                // by the name that keys of rows begin with
  ByName<std::size_t> events;           // rows of the catalogue by name
  std::vector<std::string_view> signs;  // of the message at hand
  RowKey key;                           // of the row at hand
  std::vector<std::string> labels;      // of it, in the family's order
};

}  // namespace pgbeacon::log
