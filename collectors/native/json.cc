#include "collectors/native/json.h"

#include <boost/json/array.hpp>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/error.hpp>
#include <boost/json/memory_resource.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parser.hpp>
#include <boost/json/storage_ptr.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value_stack.hpp>
#include <cmath>
#include <cstdint>
#include <new>
#include <vector>

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

/// Handler of a parser: builds the document, and apart from it the entry of a list at hand.
class ListHandler {
 public:
  static constexpr std::size_t max_object_size = json::object::max_size();
  static constexpr std::size_t max_array_size = json::array::max_size();
  static constexpr std::size_t max_key_size = json::string::max_size();
  static constexpr std::size_t max_string_size = json::string::max_size();

  ListHandler(const json::storage_ptr& memory, std::string_view list, const Json::TakeEntry& take)
      : memory_(memory), list_(list), take_(take) {
    document_.reset(memory);
  }

  json::value Release() { return document_.release(); }

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_object_begin(json::error_code&) { return Open(false); }
  bool on_object_end(std::size_t members, json::error_code&) {
    levels_.pop_back();
    at_->push_object(members);
    return End();
  }
  bool on_array_begin(json::error_code&) { return Open(at_ == &document_ && key_ == list_); }
  bool on_array_end(std::size_t elements, json::error_code&) {
    const bool list = levels_.back();
    levels_.pop_back();
    at_->push_array(list ? 0 : elements);
    return End();
  }
  bool on_key_part(json::string_view part, std::size_t, json::error_code&) {
    at_->push_chars(part);
    return true;
  }
  bool on_key(json::string_view end, std::size_t size, json::error_code&) {
    at_->push_key(end);
    key_ = size == end.size() ? std::string(end) : "";
    return true;
  }
  bool on_string_part(json::string_view part, std::size_t, json::error_code&) {
    Begin();
    at_->push_chars(part);
    return true;
  }
  bool on_string(json::string_view end, std::size_t, json::error_code&) {
    Begin();
    at_->push_string(end);
    return End();
  }
  bool on_number_part(json::string_view, json::error_code&) { return true; }
  bool on_int64(std::int64_t number, json::string_view, json::error_code&) {
    Begin();
    at_->push_int64(number);
    return End();
  }
  bool on_uint64(std::uint64_t number, json::string_view, json::error_code&) {
    Begin();
    at_->push_uint64(number);
    return End();
  }
  bool on_double(double number, json::string_view, json::error_code&) {
    Begin();
    at_->push_double(number);
    return End();
  }
  bool on_bool(bool yes, json::error_code&) {
    Begin();
    at_->push_bool(yes);
    return End();
  }
  bool on_null(json::error_code&) {
    Begin();
    at_->push_null();
    return End();
  }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

 private:
  bool InList() const { return !levels_.empty() && levels_.back(); }

  void Begin() {
    if (at_ != &document_ || !InList()) return;
    entry_.reset(memory_);
    at_ = &entry_;
  }

  bool Open(bool list) {
    Begin();
    levels_.push_back(list);
    key_.clear();
    return true;
  }

  bool End() {
    key_.clear();
    if (InList()) {
      take_(entry_.release(), elements_);
      at_ = &document_;
    } else if (levels_.size() == 1) {
      ++elements_;
    }
    return true;
  }

  json::storage_ptr memory_;
  std::string_view list_;
  const Json::TakeEntry& take_;
  json::value_stack document_;
  json::value_stack entry_;
  json::value_stack* at_ = &document_;
  std::vector<bool> levels_;  // of arrays and objects that are open: whether it is a list
  std::string key_;           // of the value that comes next, in an object
  std::size_t elements_ = 0;
};

}  // namespace

Result<Json> Json::ParseList(std::string_view text, std::string_view list, const TakeEntry& take) {
  try {
    const json::storage_ptr memory = json::make_shared_resource<Bounded>();
    json::basic_parser<ListHandler> parser(json::parse_options(), memory, list, take);
    json::error_code error;
    const std::size_t read = parser.write_some(false, text.data(), text.size(), error);
    if (!error && read < text.size()) error = json::error::extra_data;
    if (error) return Error(ErrorCode::kInvalid, "no JSON: " + error.message());
    return Json(parser.handler().Release());
  } catch (const std::bad_alloc&) {
    return Error(ErrorCode::kInvalid, "the JSON takes more memory than it may");
  }
}

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
