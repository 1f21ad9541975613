// Build tool: pack_yaml NAME IN OUT writes the YAML file IN, called NAME in messages, packed to
// OUT.
#include <cstdio>
#include <fstream>
#include <iterator>

#include "base/yaml.h"
#include "base/yaml_pack.h"

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  std::ifstream in(argv[2], std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  pgbeacon::YamlErrors errors;
  const pgbeacon::YamlMap root = pgbeacon::ReadYaml(text, argv[1], errors);
  if (!in || !errors.empty()) {
    std::fprintf(stderr, "%s\n", in ? errors.ToError().message.c_str() : "cannot be read");
    return 1;
  }
  std::ofstream out(argv[3], std::ios::binary);
  out << pgbeacon::PackYaml(root.value());
  return out.flush() ? 0 : 1;
}
