// Matching: the first eight bytes of a message are the key of an open hash table; its entry lists
// the wordings whose literal text begins so, the longest first, and the next eight bytes pass by
// most of a long list ("could no"). Wordings that begin with fewer than
// eight literal bytes, with a hole, or with an expression of RE2 stand in a list per side and
// severity that is tried after that; of these an ASCII message is only tried on those that have no
// byte outside of ASCII (wordings in other languages). Both are tested against MatchNaively
// (naive.cc) on random messages by catalogue_test.cc.
#include "logparse/events/catalogue.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <span>

#include "logparse/data.h"
#include "logparse/events/lines.h"
#include "logparse/events/locale.h"
#include "logparse/events/origin.h"
#include "logparse/events/state.h"

namespace pgbeacon::log {
namespace {

constexpr std::string_view kEventsFile = "logparse/events.yml";
constexpr std::string_view kErrcodesFile = "logparse/errcodes.yml";
constexpr std::string_view kLocalesFile = "logparse/locales.yml";
constexpr std::string_view kRaise = " at RAISE";  // `context` of the rows for what functions raise

unsigned Bit(Severity severity) { return 1U << static_cast<unsigned>(severity); }

// The severities, kNone included, in which messages of `side` may be of `row`.
std::uint16_t Accepts(const EventRow& row, Side side) {
  constexpr unsigned kAll = (1U << (kSeverities + 1)) - 1;
  const unsigned none = Bit(Severity::kNone);
  const auto apart = [](Side one) { return one == Side::kPlatform || one == Side::kPooler; };
  if (apart(row.side) || apart(side)) return row.side == side ? kAll : 0;
  if (row.side == Side::kClient && side == Side::kServer) return 0;
  unsigned out = row.severities == 0 ? kAll & ~none : row.severities;
  if (side == Side::kClient || (out & Bit(Severity::kLog)) != 0) out |= none;
  return static_cast<std::uint16_t>(out);
}

bool Longer(const CompiledWording& a, const CompiledWording& b) {
  if (a.lead.size() != b.lead.size()) return a.lead.size() > b.lead.size();
  if (a.literal_bytes != b.literal_bytes) return a.literal_bytes > b.literal_bytes;
  if (a.all_literal_bytes != b.all_literal_bytes) return a.all_literal_bytes > b.all_literal_bytes;
  return a.wording.order < b.wording.order;
}

}  // namespace

bool CompiledWording::Accepts(const Message& message, const EventRow& row) const {
  const bool raised = !message.context.empty() && IsRaised(message.context);
  if (builtin && !row.catch_all) {
    if (raised) return false;
    if (row.sessionless && message.severity == Severity::kLog && IsOfSession(message)) return false;
  }
  const bool context =
      !row.context.empty() && message.context.find(row.context) != std::string_view::npos;
  const bool code = std::ranges::any_of(
      row.sqlstates, [&](const std::string& state) { return message.sqlstate.starts_with(state); });
  if (row.catch_all)
    return context || (raised && row.context == kRaise) || (code && !message.sqlstate.empty());
  return (row.context.empty() || context) &&
         (code || row.sqlstates.empty() || message.sqlstate.empty());
}

void CompiledWording::SetSecond() {
  const std::size_t bytes = std::min<std::size_t>(lead.size(), 16);
  const std::optional<std::uint64_t> key = SecondKey(lead);
  if (!key || bytes <= 8) return;
  second = *key;
  second_mask = ~std::uint64_t{0} >> (64 - 8 * (bytes - 8));
}

void CompiledWording::Follow(const CompiledWording& before) {
  const Pattern* pattern = wording.pattern.get();
  const Pattern* other = before.wording.pattern.get();
  shared_steps = pattern == nullptr || other == nullptr ? 0 : pattern->SharedSteps(*other);
}

void CompiledWording::Fill(const std::string_view* captures, Event& event) const {
  for (std::size_t i = 0; i < wording.fields.size(); ++i) {
    if (wording.fields[i] < 0) continue;
    std::string_view text = captures[i];
    FieldValue& field = event.fields[static_cast<std::size_t>(wording.fields[i])];
    const FieldType& type = *wording.field_types[i];
    field.text = text;
    field.present = text.data() != nullptr;
    if (!type.number() || !field.present) continue;
    if (i + 1 < wording.fields.size() && wording.fields[i + 1] == Wording::kDecimals) {
      const std::string_view decimals = captures[i + 1];
      field.text = {text.data(),
                    static_cast<std::size_t>(decimals.data() - text.data()) + decimals.size()};
      field.number = FieldNumber(type, std::string(text).append(1, '.').append(decimals));
      continue;
    }
    // A group of a user's expression may have taken what is no number of its type.
    if (wording.regex != nullptr) {
      field.present = ScanNumber(type.kind, text) == text.size() && !text.empty();
    }
    if (field.present) field.number = FieldNumber(type, text);
  }
}

void Catalogue::State::Compile() {
  for (Wording& wording : data.wordings) {
    CompiledWording& out = wordings.emplace_back();
    const EventRow& row = data.rows[static_cast<std::size_t>(wording.row)];
    for (std::size_t side = 0; side < kSides; ++side) {
      out.accepts[side] = log::Accepts(row, static_cast<Side>(side));
    }
    out.wording = std::move(wording);
    if (out.wording.regex == nullptr) {
      out.lead = out.wording.pattern->lead();
      out.literal_bytes = out.wording.pattern->literal_bytes();
      out.all_literal_bytes = out.wording.pattern->all_literal_bytes();
    } else {
      // Blank runs are literal in an expression, so its lead ends before the first blank.
      out.lead = out.wording.regex->lead();
      out.lead = out.lead.substr(0, out.lead.find(' '));
      out.literal_bytes = out.lead.size();
      out.all_literal_bytes = out.lead.size();
    }
  }
  data.wordings.clear();
  lines.resize(data.rows.size());
  for (Wording& line : data.lines) {
    CompiledWording& out = lines[static_cast<std::size_t>(line.row)].emplace_back();
    out.wording = std::move(line);
    out.lead = out.wording.pattern->lead();
  }
  data.lines.clear();
  own_rows = data.rows.size() - data.user_rows.size();
  for (CompiledWording& one : wordings) {
    one.builtin = static_cast<std::size_t>(one.wording.row) < own_rows;
    const EventRow& row = data.rows[static_cast<std::size_t>(one.wording.row)];
    one.unconditional = !row.catch_all && !row.sessionless && row.context.empty();
  }
  std::ranges::sort(wordings, Longer);
  for (CompiledWording& one : wordings) one.SetSecond();
}

void Catalogue::State::Index() {
  slots.clear();
  keyed.clear();
  keyless = {};
  keyless_ascii = {};
  std::vector<std::pair<std::uint64_t, std::uint32_t>> keys;  // and their wordings
  std::size_t distinct = 0;
  for (std::uint32_t i = 0; i < wordings.size(); ++i) {
    const std::optional<std::uint64_t> key = MessageKey(wordings[i].lead);
    if (key) keys.emplace_back(*key, i);
    for (std::size_t side = 0; side < kSides && !key; ++side) {
      for (unsigned severity = 0; severity <= kSeverities; ++severity) {
        if ((wordings[i].accepts[side] >> severity & 1U) == 0) continue;
        keyless[side][severity].push_back(i);
        if (!wordings[i].wording.foreign) keyless_ascii[side][severity].push_back(i);
      }
    }
  }
  std::ranges::sort(keys);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    distinct += i == 0 || keys[i].first != keys[i - 1].first ? 1 : 0;
  }
  slots.resize(std::bit_ceil(distinct * 4 + 2));
  shift = 64 - std::countr_zero(slots.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto [key, wording] = keys[i];
    const bool first = i == 0 || keys[i - 1].first != key;
    std::size_t at = Home(key);
    while (slots[at].end != 0 && slots[at].key != key) at = (at + 1) & (slots.size() - 1);
    if (first) slots[at] = {key, static_cast<std::uint32_t>(keyed.size()), 0};
    if (!first) wordings[wording].Follow(wordings[keyed.back()]);
    keyed.push_back(wording);
    slots[at].end = static_cast<std::uint32_t>(keyed.size());
  }
}

std::span<const std::uint32_t> Catalogue::State::Candidates(std::uint64_t key) const {
  for (std::size_t at = Home(key);; at = (at + 1) & (slots.size() - 1)) {
    const Slot& slot = slots[at];
    if (slot.end == 0) return {};
    if (slot.key == key) return std::span(keyed).subspan(slot.begin, slot.end - slot.begin);
  }
}

bool Catalogue::State::TryAll(std::span<const std::uint32_t> candidates, const Message& message,
                              Event& event) const {
  constexpr std::size_t kNone = 0;
  constexpr std::size_t kFew = 12;  // candidates that need no second key
  const auto side = static_cast<std::size_t>(message.side);
  const unsigned severity = Bit(message.severity);
  const std::optional<std::uint64_t> second =
      candidates.size() > kFew ? SecondKey(message.text) : std::nullopt;
  const std::uint64_t known = second ? ~std::uint64_t{0} : 0;
  const std::uint64_t key = second.value_or(0);
  event.captures.resize(UserRegex::kMaxGroups);
  std::string_view* const captures = event.captures.data();
  Pattern::Progress progress;
  std::size_t shared = kNone;  // steps that all since the last attempt share with it
  for (const std::uint32_t i : candidates) {
    const CompiledWording& wording = wordings[i];
    shared = std::min(shared, wording.shared_steps);
    if ((wording.accepts[side] & severity) == 0) continue;
    if (((key ^ wording.second) & wording.second_mask & known) != 0) continue;
    const UserRegex* regex = wording.wording.regex.get();
    const bool taken =
        regex != nullptr ? regex->Match(message.text, captures)
                         : wording.wording.pattern->Match(message.text, captures, progress, shared);
    shared = regex != nullptr ? kNone : Pattern::Progress::kMaxSteps;
    if (!taken) continue;
    const EventRow& row = data.rows[static_cast<std::size_t>(wording.wording.row)];
    const bool always =
        wording.unconditional && message.context.empty() && message.sqlstate.empty();
    if (!always && !wording.Accepts(message, row)) continue;
    event.row = &row;
    event.fields.assign(row.fields.size(), FieldValue());
    wording.Fill(captures, event);
    const auto& further = lines[static_cast<std::size_t>(wording.wording.row)];
    FillLines(further, message.text, event,
              [&](std::size_t line, std::string_view text, Captures& out) {
                return text.size() >= further[line].lead.size() &&
                       further[line].wording.pattern->Match(text, out.data());
              });
    return true;
  }
  return false;
}

namespace {

// Whether two neighbouring bytes of a word of eight are both blanks.
bool HasBlankRun(std::uint64_t bytes) {
  constexpr std::uint64_t kLow7 = 0x7F7F7F7F7F7F7F7FU;
  const std::uint64_t x = bytes ^ 0x2020202020202020U;  // a blank is now a zero byte
  const std::uint64_t blanks = ~(((x & kLow7) + kLow7) | x | kLow7);
  return (blanks & (blanks >> 8)) != 0;
}

}  // namespace

bool IsAscii(std::string_view text) {
  unsigned char bits = 0;
  for (const char c : text) bits |= static_cast<unsigned char>(c);
  return bits < 0x80;
}

std::optional<std::uint64_t> MessageKey(std::string_view text) {
  std::array<char, sizeof(std::uint64_t)> bytes;
  if (text.size() < bytes.size()) return std::nullopt;
  std::memcpy(bytes.data(), text.data(), bytes.size());
  const auto key = std::bit_cast<std::uint64_t>(bytes);
  if (!HasBlankRun(key)) return key;
  std::size_t size = 0;
  for (std::size_t i = 0; i < text.size() && size < bytes.size(); ++i) {
    if (text[i] == ' ' && size > 0 && bytes[size - 1] == ' ') continue;
    bytes[size++] = text[i];
  }
  if (size < bytes.size()) return std::nullopt;
  return std::bit_cast<std::uint64_t>(bytes);
}

std::optional<std::uint64_t> SecondKey(std::string_view text) {
  std::array<char, 2 * sizeof(std::uint64_t)> bytes{};
  if (!text.empty()) std::memcpy(bytes.data(), text.data(), std::min(text.size(), bytes.size()));
  const auto words = std::bit_cast<std::array<std::uint64_t, 2>>(bytes);
  const bool between = bytes[7] == ' ' && bytes[8] == ' ';
  if (between || HasBlankRun(words[0]) || HasBlankRun(words[1])) return std::nullopt;
  return words[1];
}

Catalogue::Catalogue(std::unique_ptr<State> state) : state_(std::move(state)) {}
Catalogue::Catalogue(Catalogue&&) noexcept = default;
Catalogue& Catalogue::operator=(Catalogue&&) noexcept = default;
Catalogue::~Catalogue() = default;

Result<Catalogue> Catalogue::Builtin(std::vector<YamlMap> user_rows) {
  Result<CatalogueData> data =
      LoadCatalogue(DataFile(kEventsFile), std::string(kEventsFile), std::move(user_rows));
  if (!data.ok()) return data.error();
  const Status added = AddLocaleWordings(DataFile(kLocalesFile), std::string(kLocalesFile), *data);
  if (!added.ok()) return added.error();
  return Make(*std::move(data));
}

Result<Catalogue> Catalogue::Load(std::string_view text, std::string file,
                                  std::vector<YamlMap> user_rows) {
  Result<CatalogueData> data = LoadCatalogue(text, std::move(file), std::move(user_rows));
  if (!data.ok()) return data.error();
  return Make(*std::move(data));
}

Result<Catalogue> Catalogue::Make(CatalogueData data) {
  auto state = std::make_unique<State>();
  state->data = std::move(data);
  state->Compile();
  state->Index();
  state->CheckUserRows();
  YamlErrors errors;
  YamlMap errcodes = ReadYaml(DataFile(kErrcodesFile), std::string(kErrcodesFile), errors);
  for (std::string& code : errcodes.Strings("sqlstates")) state->sqlstates.insert(std::move(code));
  errcodes.Finish();
  if (!errors.empty()) return errors.ToError();
  return Catalogue(std::move(state));
}

void Catalogue::State::Match(const Message& message, Event& event) const {
  event.row = nullptr;
  event.fields.clear();
  if (const std::optional<std::uint64_t> key = MessageKey(message.text)) {
    if (TryAll(Candidates(*key), message, event)) return;
  }
  const auto side = static_cast<std::size_t>(message.side);
  const KeylessLists& lists = IsAscii(message.text) ? keyless_ascii : keyless;
  TryAll(lists[side][static_cast<std::size_t>(message.severity)], message, event);
}

void Catalogue::Match(const Message& message, Event& event) const { state_->Match(message, event); }

const std::vector<EventRow>& Catalogue::rows() const { return state_->data.rows; }
std::size_t Catalogue::own_rows() const { return state_->own_rows; }
const std::vector<FamilySpec>& Catalogue::families() const { return state_->data.families; }
const std::vector<SampleSpec>& Catalogue::samples() const { return state_->data.samples; }
const std::vector<std::pair<Severity, std::string>>& Catalogue::born_errors() const {
  return state_->data.born_errors;
}
bool Catalogue::KnownSqlstate(std::string_view code) const {
  return state_->sqlstates.contains(code);
}

Severity SeverityOf(const Message& message, const Event& event) {
  if (message.severity != Severity::kNone || event.row == nullptr) return message.severity;
  const unsigned severities = event.row->severities;
  if (!std::has_single_bit(severities)) return Severity::kNone;
  return static_cast<Severity>(std::countr_zero(severities));
}

std::string_view SqlstateOf(const Message& message, const Event& event) {
  if (!message.sqlstate.empty() || event.row == nullptr) return message.sqlstate;
  return event.row->sqlstate;
}

}  // namespace pgbeacon::log
