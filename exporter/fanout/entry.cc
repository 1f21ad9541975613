#include "exporter/fanout/entry.h"

#include <cstring>
#include <new>
#include <type_traits>

namespace pgbeacon::fanout {

EntryPtr MakeEntry(std::uint64_t number, std::string_view time, const Line& line) {
  using Word = std::uint64_t;
  static_assert(alignof(Entry) <= alignof(Word) && std::is_trivially_destructible_v<Entry>);
  const std::size_t bytes = sizeof(Entry) + line.server.size() + time.size() + line.source.size() +
                            line.process.size() + line.text.size();
  auto block = std::make_shared_for_overwrite<Word[]>((bytes + sizeof(Word) - 1) / sizeof(Word));
  auto* entry = new (block.get()) Entry;
  char* end = reinterpret_cast<char*>(block.get()) + sizeof(Entry);
  const auto keep = [&end](std::string_view text) {
    if (!text.empty()) std::memcpy(end, text.data(), text.size());
    const std::string_view kept(end, text.size());
    end += text.size();
    return kept;
  };
  entry->number = number;
  entry->server = keep(line.server);
  entry->time = keep(time);
  entry->source = keep(line.source);
  entry->process = keep(line.process);
  entry->text = keep(line.text);
  entry->severity = line.severity;
  entry->level = line.level;
  return EntryPtr(std::move(block), entry);
}

}  // namespace pgbeacon::fanout
