// A state directory that is removed at the end, and what stands in a store.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "exporter/state/store.h"
#include "tests/support/temp_folder.h"

namespace pgbeacon::state {

class TempState {
 public:
  std::string dir() const { return folder_ / "state"; }
  std::string file() const { return dir() + "/state.db"; }

 private:
  test::TempFolder folder_;
};

inline Row Set(Table table, std::string owner, std::string key, std::string value) {
  return {table, std::move(owner), std::move(key), std::move(value)};
}
inline Row Remove(Table table, std::string owner, std::string key) {
  return {table, std::move(owner), std::move(key), std::nullopt};
}

using Contents = std::map<std::tuple<Table, std::string, std::string>, std::string>;

inline Contents ContentsOf(Store& store) {
  Contents contents;
  const Status loaded = store.Load([&](const Row& row) {
    contents[{row.table, row.owner, row.key}] = row.value.value_or("");
  });
  EXPECT_TRUE(loaded.ok()) << (loaded.ok() ? "" : loaded.error().message);
  return contents;
}

/// Opens it, reads it, and closes it again.
inline Contents ContentsOf(const std::string& directory) {
  Result<Store> store = Store::Open(directory);
  EXPECT_TRUE(store.ok()) << (store.ok() ? "" : store.error().message);
  return store.ok() ? ContentsOf(*store) : Contents();
}

inline std::string Slurp(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Files of the directory whose name begins so.
inline std::vector<std::string> Named(const std::string& directory, std::string_view begin) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().filename().string().starts_with(begin)) names.push_back(entry.path());
  }
  return names;
}

}  // namespace pgbeacon::state
