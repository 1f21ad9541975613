// Counts the messages of a PostgreSQL log by SQLSTATE and event: count_errors < postgresql.log
#include <array>
#include <cstdio>
#include <map>
#include <string>
#include <utility>

#include "logparse/events/catalogue.h"
#include "logparse/reader.h"

int main() {
  using namespace pgbeacon;
  const Result<log::Catalogue> catalogue = log::Catalogue::Builtin();
  if (!catalogue.ok()) return std::fprintf(stderr, "%s\n", catalogue.error().message.c_str()), 1;

  std::map<std::pair<std::string, std::string>, int> counts;
  log::Event event;
  log::Reader reader({}, [&](const log::Message& message) {
    catalogue->Match(message, event);
    const std::string name = event.row == nullptr ? "other" : event.row->name;
    ++counts[{std::string(log::SqlstateOf(message, event)), name}];
  });
  std::array<char, 65536> block;
  while (const std::size_t got = std::fread(block.data(), 1, block.size(), stdin)) {
    reader.Push({block.data(), got});
  }
  reader.Flush(true);
  for (const auto& [key, count] : counts) {
    std::printf("%7d %-5s %s\n", count, key.first.c_str(), key.second.c_str());
  }
}
