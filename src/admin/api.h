// admin/api.h: a router that knows what each route takes behind the "?", and that lists itself at /v1.
//
// Thread: filled before the server starts, then only read, on control.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "control/router.h"

namespace holdfast::admin {

class Api {
 public:
  using Known = std::initializer_list<const char*>;

  // As Router::add(), but a request with a query parameter that is not in `known` is answered 400, with their names.
  void add(control::Method method, std::string_view pattern, Known known, control::Router::Handler handler);
  void add(control::Method method, std::string_view pattern, Known known, control::Router::TaskHandler handler);

  // With GET /v1, which says what there is. Nothing is added after this.
  [[nodiscard]] control::Router take();

 private:
  struct Path {
    std::string pattern;
    std::vector<std::string> methods;
  };
  void list(control::Method method, std::string_view pattern);

  control::Router router_;
  std::vector<Path> paths_;
};

}  // namespace holdfast::admin
