#include "logparse/fingerprint.h"

#include <algorithm>
#include <array>

#include "logparse/fingerprint_lexer.h"

namespace pgbeacon::log {
namespace {

using Kind = SqlToken::Kind;

constexpr std::uint64_t kSeed = 0x7067626561636F6EU;
constexpr std::size_t kMaxLists = 16;  // nested deeper, brackets are ordinary tokens
constexpr std::uint64_t kSemicolon = ';';

constexpr std::array kQueries = {WordId("select"), WordId("with"), WordId("values"),
                                 WordId("table")};
/// Words after which a sign belongs to the number that follows.
constexpr std::array kBeforeSigns = {
    WordId("select"), WordId("and"),    WordId("or"),      WordId("not"),      WordId("then"),
    WordId("else"),   WordId("when"),   WordId("case"),    WordId("between"),  WordId("limit"),
    WordId("offset"), WordId("by"),     WordId("where"),   WordId("on"),       WordId("having"),
    WordId("like"),   WordId("ilike"),  WordId("is"),      WordId("in"),       WordId("to"),
    WordId("from"),   WordId("return"), WordId("default"), WordId("distinct"), WordId("set")};

bool Is(const SqlToken& token, std::uint64_t mark) {
  return token.kind == Kind::kMark && token.id == mark;
}

/// Makes one hash, and a text where wanted, of a statement's tokens. Everything that is dropped
/// after it was taken (a repeated list item, a sign) is undone by going back to a Point: the hash
/// of what stands before is one number, and the text is cut.
class Normalizer {
 public:
  explicit Normalizer(std::string* text) : text_(text) {}

  void Take(const SqlToken& token);
  /// `cut`: the statement goes on, so what is open ends in an unfinished item.
  std::uint64_t Finish(bool cut);

 private:
  struct Point {
    std::uint64_t hash;
    std::size_t text_bytes;
  };
  /// An open IN or ARRAY list or row of VALUES. Each item is hashed apart and folded into `items`.
  struct List {
    std::uint64_t outer;     // hash up to the opening bracket
    std::uint64_t items;     // hash of the items so far
    std::uint64_t previous;  // hash of the last item that was kept
    std::size_t item_begin;  // where the text of the current item and its comma begins
    std::uint64_t close;     // its closing bracket
    int depth;               // ordinary brackets open within it
    bool has_previous;
    bool empty_item;
    bool query;    // IN (SELECT ...): nothing repeats
    bool row;      // of VALUES
    bool further;  // not the first row
    Point before;  // of a further row: before the comma that leads to it
    std::uint64_t previous_row;
  };

  Point Here() const { return {hash_, text_ == nullptr ? 0 : text_->size()}; }
  void CutText(std::size_t bytes) {
    if (text_ != nullptr) text_->resize(bytes);
  }
  void GoBack(const Point& point) {
    hash_ = point.hash;
    CutText(point.text_bytes);
  }
  List* Innermost() { return open_ == 0 ? nullptr : &lists_[open_ - 1]; }

  void Put(const SqlToken& token);
  void Write(const SqlToken& token);
  bool AfterOperand() const;
  void TakeSign(const SqlToken& token);
  void SwallowSigns();
  bool OpensList(const SqlToken& token) const;
  void Open(const SqlToken& token);
  void Close(const SqlToken& token);
  void TakeComma(const SqlToken& token);
  void EndItem(List& list);
  void EndList(const SqlToken& close);
  void CloseCut();

  std::string* const text_;
  std::uint64_t hash_ = kSeed;
  std::array<List, kMaxLists> lists_;  // the first open_ of them are set
  std::size_t open_ = 0;
  Kind last_kind_ = Kind::kEnd;
  std::uint64_t last_id_ = 0;

  bool semicolon_ = false;  // one was taken, and nothing after it yet
  bool signs_ = false;      // the last tokens are signs that a constant would swallow
  Point before_signs_{};
  Kind kind_before_signs_ = Kind::kEnd;
  std::uint64_t id_before_signs_ = 0;

  enum class Rows { kNone, kClosed, kComma };
  Rows rows_ = Rows::kNone;  // what the last token was to a list of rows
  std::uint64_t previous_row_ = 0;
  Point before_row_{};  // before the comma
};

/// Whether a sign would be one between two operands here.
bool Normalizer::AfterOperand() const {
  switch (last_kind_) {
    case Kind::kLiteral:
    case Kind::kQuoted:
      return true;
    case Kind::kWord:
      return std::ranges::find(kBeforeSigns, last_id_) == kBeforeSigns.end();
    case Kind::kMark:
      return last_id_ == ')' || last_id_ == ']';
    default:
      return false;
  }
}

void Normalizer::Write(const SqlToken& token) {
  const bool cast = Is(token, kCastId);
  const bool after_cast = last_kind_ == Kind::kMark && last_id_ == kCastId;
  bool blank = !text_->empty();
  if (last_kind_ == Kind::kMark) {
    blank = blank && last_id_ != '(' && last_id_ != '[' && last_id_ != '.' && !after_cast;
  }
  if (token.kind == Kind::kMark) {
    const bool opens = token.id == '(' || token.id == '[';
    if (token.id == ',' || token.id == ')' || token.id == ']' || token.id == ';' ||
        token.id == '.' || (opens && !token.spaced)) {
      blank = false;
    } else if (cast) {
      blank = last_kind_ == Kind::kMark && last_id_ == ':';
    }
  }
  if (blank) *text_ += ' ';
  if (token.kind == Kind::kLiteral) {
    *text_ += '?';
  } else if (token.kind == Kind::kWord) {
    for (const char c : token.text)
      *text_ += c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  } else {
    *text_ += token.text;
  }
}

void Normalizer::Put(const SqlToken& token) {
  if (text_ != nullptr) Write(token);
  hash_ = MixHash(hash_, MixHash(static_cast<std::uint64_t>(token.kind), token.id));
  last_kind_ = token.kind;
  last_id_ = token.id;
  if (List* list = Innermost()) {
    if (list->empty_item && !list->has_previous && token.kind == Kind::kWord) {
      list->query = std::ranges::find(kQueries, token.id) != kQueries.end();
    }
    list->empty_item = false;
  }
}

/// Signs before a constant belong to it, so they go when one follows.
void Normalizer::TakeSign(const SqlToken& token) {
  if (!signs_) {
    before_signs_ = Here();
    kind_before_signs_ = last_kind_;
    id_before_signs_ = last_id_;
    signs_ = true;
  }
  Put(token);
}

void Normalizer::SwallowSigns() {
  if (!signs_) return;
  GoBack(before_signs_);
  last_kind_ = kind_before_signs_;
  last_id_ = id_before_signs_;
}

bool Normalizer::OpensList(const SqlToken& token) const {
  if (open_ == kMaxLists) return false;
  if (rows_ == Rows::kComma && token.id == '(') return true;
  if (last_kind_ == Kind::kWord) {
    if (token.id == '[' && last_id_ == WordId("array")) return true;
    if (token.id == '(' && (last_id_ == WordId("in") || last_id_ == WordId("values"))) return true;
  }
  const List* const outer = open_ == 0 ? nullptr : &lists_[open_ - 1];  // an item in brackets
  return outer != nullptr && outer->empty_item && outer->depth == 0 && !outer->query;
}

void Normalizer::Open(const SqlToken& token) {
  if (!OpensList(token)) {
    rows_ = Rows::kNone;
    Put(token);
    if (List* list = Innermost()) ++list->depth;
    return;
  }
  const bool further = rows_ == Rows::kComma;
  const bool row = further || (last_kind_ == Kind::kWord && last_id_ == WordId("values"));
  rows_ = Rows::kNone;
  Put(token);
  lists_[open_++] = {.outer = hash_,
                     .items = kSeed,
                     .previous = 0,
                     .item_begin = Here().text_bytes,
                     .close = token.id == '(' ? std::uint64_t{')'} : std::uint64_t{']'},
                     .depth = 0,
                     .has_previous = false,
                     .empty_item = true,
                     .query = false,
                     .row = row,
                     .further = further,
                     .before = before_row_,
                     .previous_row = previous_row_};
  hash_ = kSeed;
}

/// Folds the current item into its list, or drops it where it repeats the one before.
void Normalizer::EndItem(List& list) {
  if (list.has_previous && !list.query && hash_ == list.previous) {
    CutText(list.item_begin);
    return;
  }
  list.items = MixHash(list.items, hash_);
  list.previous = hash_;
  list.has_previous = true;
}

/// Closes the innermost list after its last item; drops a row that repeats the one before.
void Normalizer::EndList(const SqlToken& close) {
  const List& list = lists_[--open_];
  hash_ = MixHash(list.outer, list.items);
  Put(close);
  if (!list.row) return;
  rows_ = Rows::kClosed;
  if (list.further && list.items == list.previous_row) GoBack(list.before);
  previous_row_ = list.items;
}

void Normalizer::Close(const SqlToken& token) {
  rows_ = Rows::kNone;
  List* const list = Innermost();
  if (list != nullptr && list->depth == 0 && token.id == list->close) {
    EndItem(*list);
    EndList(token);
    return;
  }
  if (list != nullptr && list->depth > 0) --list->depth;
  Put(token);
}

void Normalizer::TakeComma(const SqlToken& token) {
  if (rows_ == Rows::kClosed) {
    before_row_ = Here();
    Put(token);
    rows_ = Rows::kComma;
    return;
  }
  rows_ = Rows::kNone;
  List* const list = Innermost();
  if (list == nullptr || list->depth > 0) {
    Put(token);
    return;
  }
  EndItem(*list);
  list->item_begin = Here().text_bytes;
  list->empty_item = true;
  if (text_ != nullptr) Write(token);
  last_kind_ = token.kind;
  last_id_ = token.id;
  hash_ = kSeed;
}

void Normalizer::Take(const SqlToken& token) {
  if (Is(token, kSemicolon)) {
    semicolon_ = true;
    return;
  }
  if (semicolon_) {
    semicolon_ = false;
    signs_ = false;
    rows_ = Rows::kNone;
    Put({.kind = Kind::kMark, .id = kSemicolon, .text = ";"});
  }
  if (token.kind == Kind::kLiteral) SwallowSigns();
  if (token.kind == Kind::kOperator && (token.id == '+' || token.id == '-') && !AfterOperand()) {
    rows_ = Rows::kNone;
    TakeSign(token);
    return;
  }
  signs_ = false;
  if (token.kind == Kind::kMark) {
    switch (token.id) {
      case '(':
      case '[':
        return Open(token);
      case ')':
      case ']':
        return Close(token);
      case ',':
        return TakeComma(token);
      default:
        break;
    }
  }
  rows_ = Rows::kNone;
  Put(token);
}

/// The statement goes on beyond what was taken: drops unfinished items and closes the lists.
void Normalizer::CloseCut() {
  while (open_ > 0) {
    List& list = lists_[open_ - 1];
    if (list.further) {
      GoBack(list.before);
      --open_;
      continue;
    }
    if (list.has_previous && !list.query) {
      CutText(list.item_begin);
    } else {
      EndItem(list);
    }
    const bool round = list.close == ')';
    EndList({.kind = Kind::kMark, .id = list.close, .text = round ? ")" : "]"});
  }
}

std::uint64_t Normalizer::Finish(bool cut) {
  if (cut) CloseCut();
  while (open_ > 0) {
    EndItem(lists_[open_ - 1]);
    const List& list = lists_[--open_];
    hash_ = MixHash(list.outer, list.items);
  }
  return hash_;
}

std::uint64_t Run(std::string_view sql, std::string* text) {
  SqlLexer lexer(sql.substr(0, kFingerprintBytes));
  Normalizer normalizer(text);
  for (SqlToken token; lexer.Next(token);) normalizer.Take(token);
  return normalizer.Finish(sql.size() > kFingerprintBytes);
}

}  // namespace

std::uint64_t Fingerprint(std::string_view sql) { return Run(sql, nullptr); }

std::string NormalizeStatement(std::string_view sql) {
  std::string text;
  Run(sql, &text);
  return text;
}

std::string FingerprintName(std::uint64_t fingerprint) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string name(16, '0');
  for (std::size_t i = name.size(); i-- > 0; fingerprint >>= 4) name[i] = kDigits[fingerprint & 15];
  return name;
}

}  // namespace pgbeacon::log
