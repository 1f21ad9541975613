// What can only be said of all targets together, wherever they are named.
#include <algorithm>
#include <iterator>
#include <set>
#include <unordered_map>
#include <utility>

#include "base/shown.h"
#include "exporter/config/config.h"
#include "exporter/config/files.h"
#include "exporter/net/regular_file.h"

namespace pgbeacon::config {
namespace {

std::vector<Target> LoadFile(const Config& config, const std::string& path, YamlErrors& errors) {
  std::vector<Target> targets;
  const Result<std::string> text = net::ReadRegularFile(path);
  if (!text.ok()) {
    errors.Add("file_sd: " + text.error().message);
    return targets;
  }
  if (text->find_first_not_of(" \t\r\n") == std::string::npos) {
    errors.Add(path + ": the file is empty; without any target it is []");
    return targets;
  }
  YamlMap root = ReadYaml(*text, path, errors, "targets");
  for (YamlMap& map : root.Maps("targets")) {
    std::ranges::move(config.reader.ReadDiscovered(map), std::back_inserter(targets));
  }
  root.Finish();
  for (Target& target : targets) target.file_sd = path;
  return targets;
}

/// A mistake in what names the target.
void Fail(Config& config, const Target& target, const std::string& message) {
  YamlErrors& errors = target.file_sd.empty() ? *config.errors : config.file_sd_errors;
  errors.Add((target.where.empty() ? "" : target.where + ": ") + message);
}

std::string PlaceOf(const Target& target) {
  return target.where.empty() ? "named by a flag or the environment" : "at " + target.where;
}

/// Labels that Prometheus gives series itself, or that hardly any page is without.
constexpr const char* kTakenLabels[] = {"instance", "job", "server", "collector", "le", "quantile"};

}  // namespace

std::vector<std::string> FileSdPaths(const FileSd& file_sd) {
  std::vector<std::string> paths;
  for (const std::string& pattern : file_sd.files) {
    std::ranges::move(Glob(pattern), std::back_inserter(paths));
  }
  return paths;
}

std::vector<Target> LoadFileSd(Config& config, Discovered& last) {
  std::vector<Target> all;
  Discovered now;
  config.file_sd.stamp = StampOf(FileSdPaths(config.file_sd));
  for (const std::string& path : FileSdPaths(config.file_sd)) {
    YamlErrors errors;
    std::vector<Target> found = LoadFile(config, path, errors);
    const auto before = last.find(path);
    const bool kept = !errors.empty() && before != last.end();
    for (const std::string& mistake : errors.messages()) {
      config.file_sd_errors.Add(mistake +
                                (kept ? "; the targets of the file stay as they were before" : ""));
    }
    if (kept) found = before->second;
    std::ranges::copy(found, std::back_inserter(all));
    if (kept || errors.empty()) now.insert_or_assign(path, std::move(found));
  }
  last = std::move(now);
  return all;
}

void CheckLabels(Config& config, const collectors::Catalogue& catalogue,
                 std::set<std::string> own) {
  own.insert(std::begin(kTakenLabels), std::end(kTakenLabels));
  for (const auto& collector : catalogue.collectors()) {
    for (const collectors::Column& column : collector->columns) {
      if (!column.label.empty()) own.insert(column.label);
    }
  }
  std::set<std::pair<std::string, std::string>> told;  // one place may name thousands of targets
  const auto check = [&](Target& target) {
    std::erase_if(target.labels, [&](const auto& label) {
      if (!own.contains(label.first)) return false;
      if (told.insert({target.where, label.first}).second) {
        Fail(config, target,
             "target '" + target.name + "': series have a label '" + label.first +
                 "' of their own, so the target cannot have one: call it otherwise");
      }
      return true;
    });
  };
  if (config.target) check(*config.target);
  for (Target& target : config.others) check(target);
}

void DropNamesakes(Config& config) {
  std::unordered_map<std::string, std::string> places;
  if (config.target) places.emplace(config.target->name, PlaceOf(*config.target));
  std::erase_if(config.others, [&](const Target& target) {
    const auto [first, fresh] = places.try_emplace(target.name, PlaceOf(target));
    if (fresh) return false;
    Fail(config, target,
         "there is a target " + Shown(target.name) + " already, " + first->second +
             ": give each its `name`; this one is left out");
    return true;
  });
}

}  // namespace pgbeacon::config
