#include "exporter/metrics/writer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "exporter/metrics/names.h"

namespace pgbeacon::metrics {
namespace {

constexpr std::string_view kInf = "+Inf";

/// Whether the text can be copied as it is: printable or blank ASCII without `"` and `\`.
bool IsPlain(std::string_view text) {
  static constexpr auto kPlain = [] {
    std::array<bool, 256> plain = {};
    for (unsigned char c = 0x20; c < 0x7F; ++c) plain[c] = c != '"' && c != '\\';
    return plain;
  }();
  return std::ranges::all_of(text, [](unsigned char c) { return kPlain[c]; });
}

void AppendEscaped(std::string& out, std::string_view text, bool quotes) {
  if (IsPlain(text)) {
    out += text;
    return;
  }
  for (const char c : ToUtf8(text)) {
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\\' || (c == '"' && quotes)) {
      out += '\\';
      out += c;
    } else {
      out += c;
    }
  }
}

void AppendInteger(std::string& out, std::uint64_t value) {
  char buffer[24];
  out.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr);
}

/// Milliseconds as the format has them: whole, or seconds with three decimals.
void AppendTimestamp(std::string& out, Format format, std::int64_t milliseconds) {
  out += ' ';
  if (milliseconds < 0) out += '-';
  const std::uint64_t size = milliseconds < 0 ? 0 - static_cast<std::uint64_t>(milliseconds)
                                              : static_cast<std::uint64_t>(milliseconds);
  if (format == Format::kText) {
    AppendInteger(out, size);
    return;
  }
  AppendInteger(out, size / 1000);
  out += '.';
  for (const std::uint64_t unit : {100U, 10U, 1U}) {
    out += static_cast<char>('0' + size / unit % 10);
  }
}

/// Writes families one after the other and counts the samples it has to leave out.
class PageWriter {
 public:
  PageWriter(Format format, std::string& out) : format_(format), out_(out) {}

  void Write(const Head& head) {
    const Family& family = *head.family;
    if (!IsMetricName(family.name)) {
      dropped_ += family.metric.size();
      return;
    }
    reserved_ = family.type == MetricType::Histogram ? "le"
                : family.type == MetricType::Summary ? "quantile"
                                                     : "";
    checked_ = nullptr;
    bool begun = false;
    for (const ClientMetric& metric : family.metric) {
      if (!HasGoodLabels(metric)) {
        ++dropped_;
        continue;
      }
      if (!begun) WriteHead(head);
      begun = true;
      WriteMetric(family, metric);
    }
  }

  std::size_t dropped() const { return dropped_; }

 private:
  void WriteHead(const Head& head) {
    if (!head.family->help.empty()) {
      out_.append("# HELP ").append(head.name) += ' ';
      AppendEscaped(out_, head.family->help, format_ == Format::kOpenMetrics);
      out_ += '\n';
    }
    out_.append("# TYPE ").append(head.name) += ' ';
    out_.append(head.type) += '\n';
  }

  /// The samples of a family mostly have the same label names: those are checked once.
  bool HasGoodLabels(const ClientMetric& metric) {
    const auto& labels = metric.label;
    const auto same_name = [](const auto& a, const auto& b) { return a.name == b.name; };
    if (checked_ != nullptr && std::ranges::equal(labels, *checked_, same_name)) return true;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      if (!IsLabelName(labels[i].name) || labels[i].name == reserved_) return false;
      for (std::size_t j = 0; j < i; ++j) {
        if (labels[i].name == labels[j].name) return false;
      }
    }
    checked_ = &labels;
    return true;
  }

  void WriteMetric(const Family& family, const ClientMetric& metric) {
    switch (family.type) {
      case MetricType::Counter:
        WriteValue(family.name, metric, metric.counter.value);
        break;
      case MetricType::Gauge:
        WriteValue(family.name, metric, metric.gauge.value);
        break;
      case MetricType::Untyped:
        WriteValue(family.name, metric, metric.untyped.value);
        break;
      case MetricType::Histogram:
        labels_.clear();
        AppendLabels(labels_, metric);
        WriteHistogram(family.name, metric);
        break;
      case MetricType::Summary:
        labels_.clear();
        AppendLabels(labels_, metric);
        WriteSummary(family.name, metric);
        break;
    }
  }

  static void AppendLabels(std::string& out, const ClientMetric& metric) {
    for (const ClientMetric::Label& label : metric.label) {
      if (&label != metric.label.data()) out += ',';
      out.append(label.name).append("=\"", 2);
      AppendEscaped(out, label.value, true);
      out += '"';
    }
  }

  void WriteHistogram(std::string_view name, const ClientMetric& metric) {
    const ClientMetric::Histogram& histogram = metric.histogram;
    const auto bucket = [&](std::string_view bound, std::uint64_t count) {
      WriteName(name, "_bucket", "le", bound);
      AppendInteger(out_, count);
      EndLine(metric);
    };
    for (const ClientMetric::Bucket& one : histogram.bucket) {
      bound_.clear();
      AppendDouble(bound_, one.upper_bound);
      bucket(bound_, one.cumulative_count);
    }
    if (histogram.bucket.empty() || !std::isinf(histogram.bucket.back().upper_bound)) {
      bucket(kInf, histogram.sample_count);
    }
    WriteSumAndCount(name, metric, histogram.sample_sum, histogram.sample_count);
  }

  void WriteSummary(std::string_view name, const ClientMetric& metric) {
    for (const ClientMetric::Quantile& quantile : metric.summary.quantile) {
      bound_.clear();
      AppendDouble(bound_, quantile.quantile);
      WriteName(name, "", "quantile", bound_);
      AppendDouble(out_, quantile.value);
      EndLine(metric);
    }
    WriteSumAndCount(name, metric, metric.summary.sample_sum, metric.summary.sample_count);
  }

  void WriteSumAndCount(std::string_view name, const ClientMetric& metric, double sum,
                        std::uint64_t count) {
    WriteName(name, "_sum");
    AppendDouble(out_, sum);
    EndLine(metric);
    WriteName(name, "_count");
    AppendInteger(out_, count);
    EndLine(metric);
  }

  void WriteValue(std::string_view name, const ClientMetric& metric, double value) {
    out_ += name;
    if (!metric.label.empty()) {
      out_ += '{';
      AppendLabels(out_, metric);
      out_ += '}';
    }
    out_ += ' ';
    AppendDouble(out_, value);
    EndLine(metric);
  }

  /// The series name with its labels, to which a histogram or summary adds one, and a blank.
  void WriteName(std::string_view name, std::string_view suffix, std::string_view label = {},
                 std::string_view value = {}) {
    out_.append(name).append(suffix);
    if (!labels_.empty() || !label.empty()) {
      out_.append("{").append(labels_);
      if (!label.empty()) {
        if (!labels_.empty()) out_ += ',';
        out_.append(label).append("=\"").append(value) += '"';
      }
      out_ += '}';
    }
    out_ += ' ';
  }

  void EndLine(const ClientMetric& metric) {
    if (metric.timestamp_ms != 0) AppendTimestamp(out_, format_, metric.timestamp_ms);
    out_ += '\n';
  }

  Format format_;
  std::string& out_;
  std::string_view reserved_;  // the label name that the family's type takes
  const std::vector<ClientMetric::Label>* checked_ = nullptr;  // good names, of this family
  std::string labels_;  // of a histogram or summary, which has several lines
  std::string bound_;
  std::size_t dropped_ = 0;
};

std::size_t WriteFamilies(Format format, const Families& families, std::string& out) {
  std::vector<std::size_t> split;
  const std::vector<Head> heads = NameFamilies(format, families, split);
  if (!split.empty()) {
    std::size_t dropped = 0;
    const Families flat = Split(families, split, dropped);
    return dropped + WriteFamilies(format, flat, out);
  }
  PageWriter writer(format, out);
  for (const Head& head : heads) writer.Write(head);
  return writer.dropped();
}

}  // namespace

std::size_t WritePage(Format format, const Families& families, std::string& out) {
  const std::size_t dropped = WriteFamilies(format, families, out);
  if (format == Format::kOpenMetrics) out += "# EOF\n";
  return dropped;
}

}  // namespace pgbeacon::metrics
