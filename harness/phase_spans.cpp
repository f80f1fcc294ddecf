#include "cmkd/harness/phase_spans.h"

namespace cmkd {

std::vector<PhaseSpan> phase_spans(const std::vector<Phase>& phases, std::int64_t epochs) {
  std::vector<PhaseSpan> spans;
  std::int64_t first = 0;
  for (Phase phase : phases) {
    if (phase.epochs == 0) phase.epochs = epochs;
    spans.push_back({phase, first, first, false});
    first += phase.epochs;
  }
  if (spans.empty()) return spans;
  for (PhaseSpan& span : spans) span.stream_epoch += spans.back().phase.epochs;
  spans.back().stream_epoch = 0;
  spans.back().is_last = true;
  return spans;
}

std::int64_t total_epochs(const std::vector<PhaseSpan>& spans) {
  std::int64_t epochs = 0;
  for (const PhaseSpan& span : spans) epochs += span.phase.epochs;
  return epochs;
}

}  // namespace cmkd
