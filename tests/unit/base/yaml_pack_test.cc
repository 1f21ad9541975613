// A packed document is the one that was packed; broken bytes are refused, whatever they are.
#include "base/yaml_pack.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>

#include "base/yaml.h"

namespace pgbeacon {
namespace {

constexpr const char* kText =
    "name: checkpoint\n"
    "quoted: \"12\"\n"
    "texts: ['a', b, \"c: d\"]\n"
    "nested:\n"
    "  deep: {empty: , list: [1, {x: y}]}\n";

std::string Packed() {
  YamlErrors errors;
  const YamlMap root = ReadYaml(kText, "a.yml", errors);
  EXPECT_TRUE(errors.empty());
  return PackYaml(root.value());
}

TEST(YamlPack, ReadsWhatWasPacked) {
  const std::string packed = Packed();
  EXPECT_TRUE(IsPackedYaml(packed));
  EXPECT_FALSE(IsPackedYaml(kText));
  YamlErrors errors;
  const YamlMap root = ReadYaml(packed, "a.yml", errors);
  EXPECT_TRUE(errors.empty());
  EXPECT_EQ(root.Where("texts"), "a.yml:3:1");
  EXPECT_EQ(PackYaml(root.value()), packed);
}

TEST(YamlPack, RefusesEveryBrokenText) {
  const std::string packed = Packed();
  for (std::size_t size = 0; size < packed.size(); ++size) {
    YamlValue value;
    EXPECT_FALSE(UnpackYaml(packed.substr(0, size), value)) << size;
  }
  YamlValue value;
  EXPECT_FALSE(UnpackYaml(packed + "x", value));
  for (std::size_t at = 0; at < packed.size(); ++at) {
    std::string broken = packed;
    broken[at] = '\xff';
    YamlValue other;
    UnpackYaml(broken, other);  // reads or refuses it, within its bytes
  }
}

}  // namespace
}  // namespace pgbeacon
