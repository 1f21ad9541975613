// Records against a model that keeps every session in a map: the same operations give the same
// messages in the same order. Input: three bytes an operation (what, of which session, how long a
// text).
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "logparse/records.h"

namespace {

using namespace pgbeacon::log;  // NOLINT(google-build-using-namespace)

using Fields = std::array<std::string, kParts>;

std::string Show(const Fields& fields) {
  std::string out;
  for (const std::string& field : fields) out.append(field).append(1, '\0');
  return out;
}

class Model {
 public:
  std::vector<std::string> messages;

  void Open(const std::string& key, const std::string& text) {
    if (sessions_.contains(key)) messages.push_back(Show(sessions_[key].fields));
    sessions_[key] = {};
    sessions_[key].fields[0] = text;
    Touch(key);
  }

  bool Join(const std::string& key, Part part, const std::string& text) {
    const auto found = sessions_.find(key);
    if (found == sessions_.end()) return false;
    found->second.last = static_cast<std::size_t>(part);
    std::string& field = found->second.fields[found->second.last];
    field += (field.empty() ? "" : "\n") + text;
    Touch(key);
    return true;
  }

  bool Continue(const std::string& key, const std::string& glue, const std::string& text) {
    const auto found = sessions_.find(key);
    if (found == sessions_.end()) return false;
    found->second.fields[found->second.last] += glue + text;
    Touch(key);
    return true;
  }

  bool ContinueLast(const std::string& text) { return Continue(last_, "\n", text); }
  bool JoinLast(Part part, const std::string& text) { return Join(last_, part, text); }
  bool IsOpen(const std::string& key) const { return sessions_.contains(key); }

  void Flush() {
    while (!sessions_.empty()) Close(Oldest());
    last_.clear();
  }

 private:
  struct Session {
    Fields fields;
    std::size_t last = 0;
    std::uint64_t touched = 0;
  };
  using Sessions = std::map<std::string, Session>;

  Sessions::iterator Oldest() {
    return std::min_element(sessions_.begin(), sessions_.end(), [](const auto& a, const auto& b) {
      return a.second.touched < b.second.touched;
    });
  }

  void Close(Sessions::iterator session) {
    messages.push_back(Show(session->second.fields));
    if (last_ == session->first) last_.clear();
    sessions_.erase(session);
  }

  void Touch(const std::string& key) {
    sessions_[key].touched = ++clock_;
    last_ = key;
    while (Oldest()->second.touched + Records::kMaxAge < clock_) Close(Oldest());
  }

  Sessions sessions_;
  std::string last_;  // "": none
  std::uint64_t clock_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::string> messages;
  Records records(std::size_t{1} << 20, std::size_t{64} << 20, [&](const Message& m) {
    messages.push_back(Show({std::string(m.text), std::string(m.detail), std::string(m.hint),
                             std::string(m.query), std::string(m.context), std::string(m.location),
                             std::string(m.backtrace), std::string(m.statement)}));
  });
  Model model;
  int count = 0;
  for (std::size_t i = 0; i + 3 <= size; i += 3) {
    const std::string key = "k" + std::to_string(data[i + 1] % 64);
    const std::string text = std::to_string(++count) + std::string(data[i + 2], 'x');
    const auto part = static_cast<Part>(1 + data[i + 1] / 64 + (data[i] / 8) % 4);
    bool done = true;
    bool expected = true;
    Message message;
    switch (data[i] % 8) {
      case 0:
      case 1:
      case 2:
        message.text = text;
        records.Open(key, text, message, false);
        model.Open(key, text);
        break;
      case 3:
        done = records.Join(key, part, text, false);
        expected = model.Join(key, part, text);
        break;
      case 4:
        done = records.Continue("\n", text, false);
        expected = model.ContinueLast(text);
        break;
      case 5:
        done = records.ContinueOf(key, "", text, false);
        expected = model.Continue(key, "", text);
        break;
      case 6:
        done = records.JoinLast(part, text, false);
        expected = model.JoinLast(part, text);
        break;
      default:
        done = records.IsOpen(key);
        expected = model.IsOpen(key);
        break;
    }
    if (done != expected) std::abort();
  }
  records.Flush();
  model.Flush();
  if (messages != model.messages || records.delivered() != messages.size()) std::abort();
  return 0;
}
