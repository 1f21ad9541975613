// Which handler answers which method and path.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "exporter/http/message.h"

namespace pgbeacon::http {

class Router {
 public:
  /// What a request leads to. Views and pointers are valid until the next Add.
  struct Match {
    const Handler* handler = nullptr;       ///< none: 404, or 405 where `allow` says what is served
    const RouteOptions* options = nullptr;  ///< with the handler
    std::string_view route;                 ///< the path as added; "other" where there is none
    std::string allow;
  };

  /// A GET handler answers HEAD too. A second handler for the same method and path replaces the
  /// first.
  void Add(std::string method, std::string path, Handler handler, RouteOptions options = {});

  Match Find(std::string_view method, std::string_view path) const;

  /// The text of a 404: the paths there are.
  std::string Served() const;

 private:
  struct Route {
    Handler handler;
    RouteOptions options;
  };
  using Methods = std::map<std::string, Route, std::less<>>;
  std::map<std::string, Methods, std::less<>> paths_;
};

}  // namespace pgbeacon::http
