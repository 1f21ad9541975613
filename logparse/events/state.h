// The compiled catalogue: Catalogue::State, shared by the fast matcher (catalogue.cc) and the naive
// one (naive.cc).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "logparse/events/catalogue.h"
#include "logparse/events/loader.h"

namespace pgbeacon::log {

/// The first eight bytes of a text, a run of blanks counted as one; nothing for a shorter text.
std::optional<std::uint64_t> MessageKey(std::string_view text);

/// Bytes 8 to 15 of a text, those that it does not have 0; nothing where a run of blanks before its
/// 16th byte moves what follows.
std::optional<std::uint64_t> SecondKey(std::string_view text);

/// Whether no byte of `text` is outside of ASCII.
bool IsAscii(std::string_view text);

using Captures = std::array<std::string_view, UserRegex::kMaxGroups>;

/// A wording as matching needs it.
struct CompiledWording {
  std::array<std::uint16_t, kSides> accepts{};  ///< by side: bit per Severity, kNone included
  std::string_view lead;                        ///< literal beginning; views into `wording`
  std::uint64_t second = 0;                     ///< SecondKey of `lead`
  std::uint64_t second_mask = 0;                ///< the bytes of it that `lead` has
  std::size_t literal_bytes = 0;
  std::size_t all_literal_bytes = 0;
  bool builtin = false;          ///< of the catalogue, not of a user
  bool unconditional = false;    ///< asks for no CONTEXT or sender of its own
  std::size_t shared_steps = 0;  ///< with the candidate before it (Pattern::SharedSteps)
  Wording wording;

  /// Sets `second` and its mask, after `lead`.
  void SetSecond();
  /// Whether SQLSTATE, CONTEXT and who made the text agree with the row.
  bool Accepts(const Message& message, const EventRow& row) const;
  /// Notes what it shares with the candidate that is tried before it.
  void Follow(const CompiledWording& before);
  /// Sets the event's fields, which are all absent before.
  void Fill(const std::string_view* captures, Event& event) const;
};

/// Every wording's equivalent RE2, built at the first use.
struct NaiveMatcher;

struct Catalogue::State {
  struct Slot {
    std::uint64_t key = 0;
    std::uint32_t begin = 0;  ///< into keyed
    std::uint32_t end = 0;    ///< 0: the slot is empty
  };

  State();
  ~State();

  /// Takes over data.wordings.
  void Compile();
  /// Builds what follows from `wordings`.
  void Index();
  /// Leaves out users' rows whose samples show that they do not do what they are for.
  void CheckUserRows();
  std::size_t Home(std::uint64_t key) const { return key * 0x9E3779B97F4A7C15U >> shift; }
  std::span<const std::uint32_t> Candidates(std::uint64_t key) const;

  /// As Catalogue::Match.
  void Match(const Message& message, Event& event) const;

  /// Tries wordings in their order; true when one took the message.
  bool TryAll(std::span<const std::uint32_t> candidates, const Message& message,
              Event& event) const;

  CatalogueData data;
  std::size_t own_rows = 0;
  std::vector<CompiledWording> wordings;            ///< in the order in which they win
  std::vector<std::vector<CompiledWording>> lines;  ///< by row: its `lines`
  std::vector<Slot> slots;                          ///< a power of two, at most a quarter full
  int shift = 0;
  std::vector<std::uint32_t> keyed;
  using KeylessLists = std::array<std::array<std::vector<std::uint32_t>, kSeverities + 1>, kSides>;
  KeylessLists keyless;
  KeylessLists keyless_ascii;  ///< without those that only fit a message with other bytes
  std::set<std::string, std::less<>> sqlstates;
  std::once_flag naive_once;
  std::unique_ptr<NaiveMatcher> naive;
};

}  // namespace pgbeacon::log
