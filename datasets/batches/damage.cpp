#include "damage.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <vector>

namespace cmkd {

namespace {

constexpr std::uint8_t kGrey = 128;

std::int64_t values_in_frames(const StoredWindows& windows) {
  return 3 * windows.frames() * windows.height() * windows.width();
}

void read_other_frames(const DamagedWindow& window, std::uint8_t* out) {
  window.windows.read_frames(window.of_other_clip(), out);
}

void read_other_samples(const DamagedWindow& window, float* out) {
  window.windows.read_samples(window.of_other_clip(), out);
}

void make_grey(const DamagedWindow& window, std::uint8_t* out) {
  std::fill_n(out, values_in_frames(window.windows), kGrey);
}

void make_silent(const DamagedWindow& window, float* out) {
  std::fill_n(out, window.windows.samples_per_window(), 0.0F);
}

void freeze(const DamagedWindow& window, std::uint8_t* out) {
  const StoredWindows& windows = window.windows;
  windows.read_frames(window.draw, out);
  const std::int64_t plane = windows.height() * windows.width();
  for (std::int64_t channel = 0; channel < 3; ++channel, out += windows.frames() * plane) {
    for (std::int64_t t = 1; t < windows.frames(); ++t)
      std::memcpy(out + t * plane, out, static_cast<std::size_t>(plane));
  }
}

void occlude(const DamagedWindow& window, std::uint8_t* out) {
  window.windows.read_frames(window.draw, out);
  const std::int64_t height = window.windows.height();
  const std::int64_t width = window.windows.width();
  const double side = std::sqrt(window.settings.area);
  const std::int64_t rows = std::llround(side * static_cast<double>(height));
  const std::int64_t columns = std::llround(side * static_cast<double>(width));
  const std::int64_t top = std::llround(window.entry.y * static_cast<double>(height - rows));
  const std::int64_t left = std::llround(window.entry.x * static_cast<double>(width - columns));
  for (std::int64_t plane = 0; plane < 3 * window.windows.frames(); ++plane, out += height * width) {
    for (std::int64_t row = top; row < top + rows; ++row) std::fill_n(out + row * width + left, columns, kGrey);
  }
}

void shift(const DamagedWindow& window, float* out) {
  window.windows.read_samples(window.draw, out,
                              std::llround(window.settings.shift_s * window.windows.stored().sample_rate));
}

double power_of(const float* samples, std::int64_t count) {
  double sum = 0;
  for (std::int64_t i = 0; i < count; ++i) sum += static_cast<double>(samples[i]) * static_cast<double>(samples[i]);
  return sum / static_cast<double>(count);
}

// Adds `noise`, scaled so that the power of `samples` lies `snr_db` above its own. Silence has no level to relate to:
// beside it, the noise stays as it is; and silent noise adds nothing.
void mix_in(float* samples, const std::vector<float>& noise, double snr_db) {
  const auto count = static_cast<std::int64_t>(noise.size());
  const double own = power_of(samples, count);
  const double other = power_of(noise.data(), count);
  double scale = 1.0;
  if (own > 0 && other > 0) scale = std::sqrt(own / (other * std::pow(10.0, snr_db / 10.0)));
  for (std::int64_t i = 0; i < count; ++i) {
    samples[i] += static_cast<float>(scale) * noise[static_cast<std::size_t>(i)];
  }
}

void add_noise(const DamagedWindow& window, float* out) {
  window.windows.read_samples(window.draw, out);
  std::vector<float> noise(static_cast<std::size_t>(window.windows.samples_per_window()));
  read_other_samples(window, noise.data());
  mix_in(out, noise, window.settings.snr_db);
}

constexpr auto kDamages = std::to_array<Damage>({
    {CorruptionKind::kNone, false, nullptr, nullptr},
    {CorruptionKind::kNoise, true, nullptr, add_noise},
    {CorruptionKind::kSwap, true, read_other_frames, read_other_samples},
    {CorruptionKind::kShift, false, nullptr, shift},
    {CorruptionKind::kMissing, false, make_grey, make_silent},
    {CorruptionKind::kOcclude, false, occlude, nullptr},
    {CorruptionKind::kFreeze, false, freeze, nullptr},
});

// A kind's entry stands at its number.
static_assert([] {
  for (std::size_t i = 0; i < kDamages.size(); ++i) {
    if (static_cast<std::size_t>(kDamages[i].kind) != i) return false;
  }
  return kDamages.size() == enum_names(CorruptionKind::kNone).size();
}());

}  // namespace

const Damage& damage_of(CorruptionKind kind) noexcept { return kDamages[static_cast<std::size_t>(kind)]; }

void read_damaged_frames(const DamagedWindow& window, std::uint8_t* out) {
  if (const auto read = damage_of(window.settings.kind).read_frames) return read(window, out);
  window.windows.read_frames(window.draw, out);
}

void read_damaged_samples(const DamagedWindow& window, float* out) {
  if (const auto read = damage_of(window.settings.kind).read_samples) return read(window, out);
  window.windows.read_samples(window.draw, out);
}

}  // namespace cmkd
