// Inference of a log_line_prefix from one head: the bytes that stood before a label. From left to
// right each place is tried as a time, a number in its usual surroundings, a known key with its
// value, user@database, an address; letters that are none of these become %~, the rest a literal.
// Blanks beside a field are literals, or its padding if asked so; words with single blanks between
// are fields of their own, or one text (%b) if asked so. One head alone cannot tell.
#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "logparse/detect.h"

namespace pgbeacon::log {
namespace {

constexpr std::size_t kNone = std::string_view::npos;

struct Key {
  std::string_view word;
  std::string_view escape;
};

constexpr std::array<Key, 27> kKeys = {{
    {"user", "%u"},        {"usr", "%u"},         {"u", "%u"},     {"database", "%d"},
    {"db", "%d"},          {"dbname", "%d"},      {"d", "%d"},     {"application_name", "%a"},
    {"application", "%a"}, {"app", "%a"},         {"a", "%a"},     {"client", "%h"},
    {"host", "%h"},        {"remote_host", "%h"}, {"h", "%h"},     {"remote", "%r"},
    {"r", "%r"},           {"pid", "%p"},         {"p", "%p"},     {"session", "%c"},
    {"session_id", "%c"},  {"sqlstate", "%e"},    {"state", "%e"}, {"code", "%e"},
    {"txid", "%x"},        {"xid", "%x"},         {"line", "%l"},
}};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsHex(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f'); }
bool IsLetter(char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }
bool IsWord(char c) {
  return IsLetter(c) || IsDigit(c) || c == '_' || c == '-' || c == '.' ||
         static_cast<unsigned char>(c) >= 0x80;
}

template <class Class>
std::size_t SkipWhile(std::string_view text, std::size_t pos, Class in_class) {
  while (pos < text.size() && in_class(text[pos])) ++pos;
  return pos;
}

// What Prefix reads off `text` with the escape alone, by the length that leaves a label behind.
bool Fits(std::string_view escape, std::string_view text) {
  const Result<Prefix> prefix = Prefix::Compile(escape);
  Head head;
  return prefix.ok() && prefix->Match(std::string(text) + "LOG:  ", head);
}

class Inference {
 public:
  Inference(std::string_view head, bool padded, bool texts)
      : head_(head), padded_(padded), texts_(texts) {}

  std::string Run() {
    while (pos_ < head_.size()) {
      if (Time() || KeyValue() || UserAtDatabase() || Address() || Session() || Number() ||
          Word()) {
        continue;
      }
      Literal(1);
    }
    return std::move(out_);
  }

 private:
  void Literal(std::size_t size) {
    for (const char c : head_.substr(pos_, size)) {
      out_ += c;
      if (c == '%') out_ += c;
    }
    pos_ += size;
  }

  void Field(std::string_view escape, std::size_t end) {
    used_ += escape[1];
    const std::size_t size = end - pos_;
    const std::size_t left = padded_ ? BlanksBefore() : 0;
    const std::size_t right = padded_ && left == 0 ? BlanksBehind(end) : 0;
    out_.resize(out_.size() - left);
    out_ += '%';
    if (right != 0) out_ += '-';
    if (left + right != 0) out_ += std::to_string(left + size + right);
    out_ += escape[1];
    pos_ = end + right;
  }

  // Blanks before the field that pad it: all behind an opening mark, else all but one.
  std::size_t BlanksBefore() const {
    const std::size_t last = out_.find_last_not_of(' ');
    const std::size_t blanks = out_.size() - (last == kNone ? 0 : last + 1);
    const bool opens = last == kNone || std::string_view("[(<{|=:,;\"/@").find(out_[last]) != kNone;
    return opens || blanks == 0 ? blanks : blanks - 1;
  }

  // The same behind it.
  std::size_t BlanksBehind(std::size_t end) const {
    const std::size_t next = std::min(head_.find_first_not_of(' ', end), head_.size());
    const bool closes =
        next < head_.size() && std::string_view("])>}|,;:\"/@").find(head_[next]) != kNone;
    return closes || next == end ? next - end : next - end - 1;
  }

  bool Uses(std::string_view escape) const { return used_.find(escape[1]) != std::string::npos; }

  bool Time() {
    if (!IsDigit(head_[pos_])) return false;
    for (const std::size_t size : {std::size_t{23}, std::size_t{19}}) {
      if (head_.size() < pos_ + size + 2 || head_[pos_ + size] != ' ') continue;
      const std::size_t zone = pos_ + size + 1;
      std::size_t end = SkipWhile(head_, zone, IsLetter);
      if (end == zone) end = SkipWhile(head_, zone + 1, IsDigit);
      const std::string_view escape = size == 23 ? "%m" : "%t";
      if (!Fits(escape, head_.substr(pos_, end - pos_))) continue;
      Field(Uses("%m") || Uses("%t") ? "%s" : escape, end);
      return true;
    }
    const std::size_t end = SkipWhile(head_, pos_, [](char c) { return IsDigit(c) || c == '.'; });
    if (end - pos_ != 14 || !Fits("%n", head_.substr(pos_, 14))) return false;
    Field("%n", end);
    return true;
  }

  // "user=bob," and `user="bob"`: the value ends where the next key, or what closes the head,
  // begins.
  bool KeyValue() {
    if (pos_ > 0 && IsWord(head_[pos_ - 1])) return false;
    const std::size_t word_end =
        SkipWhile(head_, pos_, [](char c) { return IsLetter(c) || c == '_'; });
    const std::string_view word = head_.substr(pos_, word_end - pos_);
    const auto* key =
        std::find_if(kKeys.begin(), kKeys.end(), [&](const Key& k) { return k.word == word; });
    if (key == kKeys.end() || word_end >= head_.size()) return false;
    if (head_[word_end] != '=' && head_[word_end] != ':') return false;
    std::size_t begin = word_end + 1;
    const bool quoted = begin < head_.size() && head_[begin] == '"';
    if (quoted) ++begin;
    if (padded_) begin = SkipWhile(head_, begin, [](char c) { return c == ' '; });
    std::size_t end = quoted ? head_.find('"', begin) : ValueEnd(begin);
    if (end == kNone) return false;
    while (padded_ && end > begin && head_[end - 1] == ' ') --end;
    std::string_view escape = key->escape;
    const std::string_view value = head_.substr(begin, end - begin);
    if (escape == "%h" && value.ends_with(')')) escape = "%r";
    if (escape != "%u" && escape != "%d" && escape != "%a" && !Fits(escape, value)) return false;
    Literal(begin - pos_);
    Field(escape, end);
    return true;
  }

  std::size_t ValueEnd(std::size_t begin) const {
    constexpr std::string_view kSeparators = ",;| ])}>:-";
    for (std::size_t pos = begin; pos < head_.size(); ++pos) {
      if (kSeparators.find(head_[pos]) == kNone) continue;
      const std::size_t next = head_.find_first_not_of(kSeparators, pos);
      if (next == kNone) return pos;
      if (head_.substr(pos, next - pos) == "-" || head_.substr(pos, next - pos) == ":") continue;
      const std::size_t word =
          SkipWhile(head_, next, [](char c) { return IsLetter(c) || c == '_'; });
      const bool key = word > next && word < head_.size() && head_[word] == '=';
      if (key || head_[pos] == ',' || head_[pos] == ']' || head_[pos] == ' ') return pos;
    }
    return head_.size();
  }

  bool UserAtDatabase() {
    const std::size_t end = head_.find_first_of(" ,:/|)", pos_);
    const std::string_view word = head_.substr(pos_, end == kNone ? kNone : end - pos_);
    const std::size_t at = word.rfind('@');
    if (at == kNone || (at != 0 && !IsWord(word[0]) && word[0] != '[') || Uses("%u")) return false;
    std::size_t size = word.size();
    const bool unknown = word.ends_with("[unknown]");
    while (!unknown && size > at + 1 && !IsWord(word[size - 1])) --size;
    const std::size_t end_of_database = pos_ + size;
    Field("%u", pos_ + at);
    Literal(1);
    Field("%d", end_of_database);
    return true;
  }

  bool Address() {
    if (head_.substr(pos_, 7) == "[local]") {
      Field("%r", pos_ + 7);
      return true;
    }
    const std::size_t end =
        SkipWhile(head_, pos_, [](char c) { return IsHex(c) || c == '.' || c == ':'; });
    std::string_view word = head_.substr(pos_, end - pos_);
    while (word.ends_with(':') && !word.ends_with("::")) word.remove_suffix(1);
    const bool v4 = std::count(word.begin(), word.end(), '.') == 3;
    const bool v6 = std::count(word.begin(), word.end(), ':') >= 2 && word.find("::") != kNone;
    if ((!v4 && !v6) || word.size() < 3) return false;
    std::size_t stop = pos_ + word.size();
    if (stop < head_.size() && head_[stop] == '(' && head_.find(')', stop) != kNone) {
      Field("%r", head_.find(')', stop) + 1);
    } else {
      Field("%h", stop);
    }
    return true;
  }

  bool Session() {
    const std::size_t dot = SkipWhile(head_, pos_, IsHex);
    if (dot >= head_.size() || head_[dot] != '.' || dot - pos_ < 7) return false;
    const std::size_t end = SkipWhile(head_, dot + 1, IsHex);
    if (end == dot + 1 || Uses("%c")) return false;
    Field("%c", end);
    return true;
  }

  bool Number() {
    const bool negative = head_[pos_] == '-' && (pos_ == 0 || !IsWord(head_[pos_ - 1]));
    const std::size_t end = SkipWhile(head_, pos_ + (negative ? 1 : 0), IsDigit);
    const std::size_t digits = end - pos_ - (negative ? 1 : 0);
    if (digits == 0 || (end < head_.size() && IsLetter(head_[end]))) return false;
    constexpr std::size_t kLongXid = 10;
    if ((negative || digits > kLongXid) && !Uses("%Q")) {
      Field("%Q", end);
      return true;
    }
    const std::string_view number = head_.substr(pos_, end - pos_);
    if (end < head_.size() && head_[end] == '/') {
      const std::size_t stop = SkipWhile(head_, end + 1, IsDigit);
      if (stop > end + 1 && !Uses("%v")) {
        Field("%v", stop);
        return true;
      }
    }
    if (number == "00000" && !Uses("%e")) {
      Field("%e", end);
    } else if (!Uses("%p")) {
      Field("%p", end);
    } else if (number == "1" && head_.substr(end, 1) == "]" && out_.ends_with("%l-")) {
      Literal(1);  // pgBadger's "[%l-1]"
    } else {
      Field(Uses("%l") ? "%x" : "%l", end);
    }
    return true;
  }

  bool Word() {
    if (!IsWord(head_[pos_]) || head_[pos_] == '-') return false;
    const std::size_t end = SkipWhile(head_, pos_, IsWord);
    const std::string_view word = head_.substr(pos_, end - pos_);
    if (!Uses("%e") && IsSqlstate(word) && Fits("%e", word) && IsDigit(word[0])) {
      Field("%e", end);
      return true;
    }
    if (!Uses("%a") && out_.ends_with("%d/")) {  // the rest, as it may hold blanks
      Field("%a", head_.find_last_not_of(' ') + 1);
      return true;
    }
    if (end == head_.size() || head_[end] == '=') {
      Literal(end - pos_);
    } else if (texts_) {
      Field("%b", TextEnd(end));
    } else {
      Field("%~", end);
    }
    return true;
  }

  // The end of the words that go on behind `end`.
  std::size_t TextEnd(std::size_t end) const {
    while (end + 1 < head_.size() && head_[end] == ' ' && IsWord(head_[end + 1])) {
      end = SkipWhile(head_, end + 1, IsWord);
    }
    return end;
  }

  const std::string_view head_;
  const bool padded_;
  const bool texts_;
  std::size_t pos_ = 0;
  std::string out_;
  std::string used_;  // letters of the escapes in out_
};

}  // namespace

std::string InferPrefix(std::string_view head, bool padded, bool texts) {
  return Inference(head, padded, texts).Run();
}

}  // namespace pgbeacon::log
