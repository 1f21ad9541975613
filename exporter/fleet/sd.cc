#include "exporter/fleet/sd.h"

#include <boost/json.hpp>
#include <utility>

#include "base/text.h"

namespace pgbeacon::fleet {
namespace {

namespace json = boost::json;

json::object Entry(const Address& address, const std::string& path, const std::string& instance) {
  json::object labels;
  labels["__metrics_path__"] = path;
  if (!address.scheme.empty()) labels["__scheme__"] = address.scheme;
  labels["instance"] = instance;
  json::object entry;
  entry["targets"] = json::array{json::string(address.address)};
  entry["labels"] = std::move(labels);
  return entry;
}

}  // namespace

std::string ServiceDiscovery(const Fleet& fleet, const Address& address) {
  json::array entries;
  const std::shared_ptr<Watched> main = fleet.main();
  if (!main) entries.push_back(Entry(address, address.metrics_path, address.address));
  for (const auto& [name, watched] : fleet.all()) {
    const bool is_main = watched == main;
    json::object entry = Entry(address, is_main ? address.metrics_path : "/probe", ToUtf8(name));
    json::object& labels = entry["labels"].as_object();
    if (!is_main) labels["__param_target"] = ToUtf8(name);
    if (!watched->options().labels.empty()) labels["__param_labels"] = "off";
    for (const auto& [label, value] : watched->options().labels) labels[label] = ToUtf8(value);
    entries.push_back(std::move(entry));
  }
  return json::serialize(entries);
}

}  // namespace pgbeacon::fleet
