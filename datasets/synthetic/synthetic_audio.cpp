// The sound: pulses of one of five timbres at a slow or a fast rate. The rate is tied to the clip's own speed, a link
// between the modalities that the class does not tell.
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "synthetic_parts.h"

namespace cmkd {

namespace {

constexpr double kSoundTwoPi = 2 * std::numbers::pi;
constexpr std::int64_t kSoundClasses = static_cast<std::int64_t>(kSyntheticClasses.size());
// Pulses a second at speed 1. With speeds of 0.75 to 1.35 the two ranges do not meet.
constexpr double kSlowRate = 2.75;
constexpr double kFastRate = 6.5;
constexpr std::array<const char*, 5> kNoises = {"modulated_noise", "siren", "clicks", "drone", "bursts"};

using Wave = std::vector<double>;

double fraction(double value) { return value - std::floor(value); }

double power(const Wave& wave) {
  double sum = 0;
  for (const double value : wave) sum += value * value;
  return sum / static_cast<double>(std::max<std::size_t>(wave.size(), 1));
}

// Noise round a frequency: a two-pole resonator.
class Resonator {
 public:
  Resonator(double frequency, double bandwidth, double rate)
      : pole_(1 - std::numbers::pi * bandwidth / rate), cosine_(std::cos(kSoundTwoPi * frequency / rate)) {}
  double next(double input) {
    const double output = input * (1 - pole_) + 2 * pole_ * cosine_ * first_ - pole_ * pole_ * second_;
    second_ = first_;
    first_ = output;
    return output;
  }

 private:
  double pole_;
  double cosine_;
  double first_ = 0;
  double second_ = 0;
};

// One pulse train. Pitch, phase and decay vary from clip to clip; timbre and rate make the class.
Wave class_sound(std::int64_t label, double speed, const SyntheticOptions& options, std::size_t length,
                 RandomStream& stream) {
  const double rate = options.sample_rate;
  const double pulses = (label % 2 == 0 ? kSlowRate : kFastRate) * speed;
  const double pitch = 320 * std::exp2(stream.uniform(0, 1));
  const double start = stream.uniform();
  const double decay = stream.uniform(2.5, 4);
  Resonator band(pitch * 3, 250, rate);
  Wave wave(length);
  for (std::size_t k = 0; k < length; ++k) {
    const double time = static_cast<double>(k) / rate;
    const double phase = fraction(start + pulses * time);  // within the pulse
    const double cycle = kSoundTwoPi * pitch * time;
    const double white = stream.uniform(-1, 1);
    double tone = 0;
    switch (label / 2) {
      case 0:
        tone = std::sin(cycle);
        break;
      case 1:
        tone = std::sin(cycle) + std::sin(3 * cycle) / 2 + std::sin(5 * cycle) / 3;
        break;
      case 2:
        tone = 6 * band.next(white);
        break;
      case 3:
        tone = std::sin(cycle + 2.5 * (1 - phase) * std::sin(2.76 * cycle));
        break;
      default:
        tone = std::sin(cycle * 1.5 + kSoundTwoPi * pitch * phase * phase / pulses);
        break;
    }
    const double attack = std::min(phase * 25, 1.0);
    wave[k] = tone * attack * std::pow(1 - phase, decay);
  }
  return wave;
}

Wave nuisance(std::size_t kind, const SyntheticOptions& options, std::size_t length, RandomStream& stream) {
  const double rate = options.sample_rate;
  const double base = stream.uniform(200, 1200);
  const double slow = stream.uniform(0.7, 9);
  const double start = stream.uniform();
  Resonator band(base, 200, rate);
  Wave wave(length);
  double click = 0;
  double phase = 0;
  for (std::size_t k = 0; k < length; ++k) {
    const double time = static_cast<double>(k) / rate;
    const double swing = std::sin(kSoundTwoPi * (slow * time + start));
    const double white = stream.uniform(-1, 1);
    switch (kind) {
      case 0:
        wave[k] = white * (1 + 0.9 * swing);
        break;
      case 1:
        phase += base * (1 + 0.4 * swing) / rate;
        wave[k] = std::sin(kSoundTwoPi * phase);
        break;
      case 2:
        if (fraction(start + (slow + 2) * time) < (slow + 2) / rate) click = 1;
        click *= 0.995;
        wave[k] = click * white;
        break;
      case 3:
        wave[k] =
            std::sin(kSoundTwoPi * base / 4 * time) + 0.7 * std::sin(kSoundTwoPi * base / 4 * 1.51 * time + start);
        break;
      default:
        wave[k] = band.next(white) * (swing > 0.3 ? 1 : 0.02);
        break;
    }
  }
  return wave;
}

// Adds `other` so that the sum has the signal-to-noise ratio asked for.
void mix(Wave& wave, const Wave& other, double snr_db) {
  const double other_power = power(other);
  if (other_power <= 0) return;
  const double gain = std::sqrt(power(wave) / other_power * std::pow(10.0, -snr_db / 10));
  for (std::size_t k = 0; k < wave.size(); ++k) wave[k] += gain * other[k];
}

void scale_to_unit_power(Wave& wave) {
  const double scale = 1 / std::sqrt(std::max(power(wave), 1e-12));
  for (double& value : wave) value *= scale;
}

// The clip's own sound, another class's, or the own one for a part of the time and then the other.
Wave related_sound(const SyntheticOptions& options, const SyntheticDraw& draw, std::size_t length, RandomStream& stream,
                   SyntheticSound& sound) {
  // All is drawn for every clip, so that the knobs change no other draw: the same seed with another share of mismatch
  // changes the clips that are hit and no others.
  const double hit = stream.uniform();
  const double partial = stream.uniform();
  const double kept = stream.uniform(0.3, 0.7);
  const std::int64_t other = (draw.label + stream.integer(1, kSoundClasses - 1)) % kSoundClasses;
  const double other_speed = stream.uniform(options.speed_low, options.speed_high);
  const std::uint64_t own_key = stream.next_u64();
  const std::uint64_t other_key = stream.next_u64();
  RandomStream own_stream(own_key);
  Wave wave = class_sound(draw.label, draw.speed, options, length, own_stream);
  scale_to_unit_power(wave);
  sound.sound_class = draw.label;
  if (hit >= options.mismatch) return wave;
  RandomStream other_stream(other_key);
  Wave foreign = class_sound(other, other_speed, options, length, other_stream);
  scale_to_unit_power(foreign);
  sound.sound_class = other;
  sound.correlation = partial < options.mismatch_partial ? kept : 0;
  const auto change = static_cast<std::size_t>(sound.correlation * static_cast<double>(length));
  std::copy(foreign.begin() + static_cast<std::ptrdiff_t>(change), foreign.end(),
            wave.begin() + static_cast<std::ptrdiff_t>(change));
  return wave;
}

}  // namespace

SyntheticSound draw_synthetic_sound(const SyntheticOptions& options, const SyntheticDraw& draw) {
  RandomStream stream = draw.sound;
  SyntheticSound sound;
  const auto length =
      static_cast<std::size_t>(std::llround(static_cast<double>(options.frames) / options.fps * options.sample_rate));
  Wave wave = related_sound(options, draw, length, stream, sound);
  Wave hiss(length);
  for (double& value : hiss) value = stream.uniform(-1, 1);
  mix(wave, hiss, options.background_snr_db);
  const double hit = stream.uniform();
  const auto kind = static_cast<std::size_t>(stream.below(kNoises.size()));
  const double snr_db = stream.uniform(options.noise_snr_low_db, options.noise_snr_high_db);
  const double loudness = 0.25 * std::exp2(stream.uniform(-1, 0));
  if (hit < options.noise) {
    sound.noise = kNoises[kind];
    sound.snr_db = snr_db;
    mix(wave, nuisance(kind, options, length, stream), snr_db);
  }
  scale_to_unit_power(wave);
  sound.samples.reserve(length);
  for (const double value : wave) {
    sound.samples.push_back(static_cast<std::int16_t>(std::lround(std::clamp(value * loudness, -1.0, 1.0) * 32767)));
  }
  return sound;
}

}  // namespace cmkd
