#include "exporter/http/router.h"

#include <utility>

namespace pgbeacon::http {

void Router::Add(std::string method, std::string path, Handler handler, RouteOptions options) {
  Route& route = paths_[std::move(path)][std::move(method)];
  route.handler = std::move(handler);
  route.options = std::move(options);
}

Router::Match Router::Find(std::string_view method, std::string_view path) const {
  Match match;
  match.route = "other";
  const auto at = paths_.find(path);
  if (at == paths_.end()) return match;
  match.route = at->first;
  const Methods& methods = at->second;
  auto found = methods.find(method);
  if (found == methods.end() && method == "HEAD") found = methods.find("GET");
  if (found != methods.end()) {
    match.handler = &found->second.handler;
    match.options = &found->second.options;
    return match;
  }
  for (const auto& [name, route] : methods) {
    if (!match.allow.empty()) match.allow += ", ";
    match.allow += name;
    if (name == "GET" && !methods.contains("HEAD")) match.allow += ", HEAD";
  }
  return match;
}

std::string Router::Served() const {
  std::string text = "not found; served here:\n";
  for (const auto& [path, methods] : paths_) text += "  " + path + "\n";
  return text;
}

}  // namespace pgbeacon::http
