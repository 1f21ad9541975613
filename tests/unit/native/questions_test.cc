// The questions that exporter/native/server.cc asks the server.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "collectors/engine/spec.h"

namespace pgbeacon::native {
namespace {

TEST(Questions, CanBeRead) {
  std::size_t read = 0;
  for (const auto& entry : std::filesystem::directory_iterator(PGB_SOURCE_DIR "/exporter/native")) {
    if (entry.path().extension() != ".yml") continue;
    std::ifstream file(entry.path());
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    const auto collector = collectors::ReadCollector(text, entry.path());
    EXPECT_TRUE(collector.ok()) << collector.error().message;
    ++read;
  }
  EXPECT_EQ(read, 3U);
}

}  // namespace
}  // namespace pgbeacon::native
