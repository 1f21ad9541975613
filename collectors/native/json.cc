#include "collectors/native/json.h"

#include <boost/json/array.hpp>
#include <boost/json/memory_resource.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parser.hpp>
#include <boost/json/storage_ptr.hpp>
#include <boost/json/string.hpp>
#include <cmath>
#include <new>

namespace pgbeacon::collectors {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostMemory = std::size_t{64} << 20;
constexpr std::size_t kLongestText = 256;

/// Memory for one document: what a small text may grow to is bounded.
class Bounded : public json::memory_resource {
 public:
  Bounded() = default;

 private:
  // Boost.JSON may free with another alignment than it asked for; all are of fundamental types.
  void* do_allocate(std::size_t size, std::size_t) override {
    if (size > kMostMemory - used_) throw std::bad_alloc();
    used_ += size;
    return ::operator new(size);
  }
  void do_deallocate(void* memory, std::size_t size, std::size_t) override {
    used_ -= size;
    ::operator delete(memory);
  }
  bool do_is_equal(const json::memory_resource& other) const noexcept override {
    return this == &other;
  }

  std::size_t used_ = 0;
};

}  // namespace

Result<Json> Json::Parse(std::string_view text) {
  try {
    // What the parser itself needs counts too.
    const json::storage_ptr memory = json::make_shared_resource<Bounded>();
    json::parser parser(memory);
    parser.reset(memory);
    json::error_code error;
    parser.write({text.data(), text.size()}, error);
    if (error) return Error(ErrorCode::kInvalid, "no JSON: " + error.message());
    return Json(parser.release());
  } catch (const std::bad_alloc&) {
    return Error(ErrorCode::kInvalid, "the JSON takes more memory than it may");
  }
}

const json::value* MemberAt(const json::value& object, std::string_view key) {
  const json::object* members = object.if_object();
  return members ? members->if_contains({key.data(), key.size()}) : nullptr;
}

const json::array& ArrayAt(const json::value& object, std::string_view key) {
  static const json::array kEmpty;
  const json::value* member = MemberAt(object, key);
  const json::array* array = member ? member->if_array() : nullptr;
  return array ? *array : kEmpty;
}

std::optional<double> NumberAt(const json::value& object, std::string_view key) {
  const json::value* member = MemberAt(object, key);
  if (!member || !member->is_number()) return std::nullopt;
  const double number = member->is_double()  ? member->get_double()
                        : member->is_int64() ? static_cast<double>(member->get_int64())
                                             : static_cast<double>(member->get_uint64());
  if (!std::isfinite(number)) return std::nullopt;
  return number;
}

std::optional<std::string> TextAt(const json::value& object, std::string_view key) {
  const json::value* member = MemberAt(object, key);
  const json::string* text = member ? member->if_string() : nullptr;
  if (!text) return std::nullopt;
  return std::string(text->data(), std::min(text->size(), kLongestText));
}

std::optional<bool> BoolAt(const json::value& object, std::string_view key) {
  const json::value* member = MemberAt(object, key);
  if (!member || !member->is_bool()) return std::nullopt;
  return member->get_bool();
}

std::optional<std::string> IdAt(const json::value& object, std::string_view key) {
  const json::value* member = MemberAt(object, key);
  if (member && member->is_int64()) return std::to_string(member->get_int64());
  if (member && member->is_uint64()) return std::to_string(member->get_uint64());
  return TextAt(object, key);
}

}  // namespace pgbeacon::collectors
