// Where pieces of sound are placed, given the times that a file states for them.
#ifdef CMKD_HAVE_FFMPEG

#include "sound_clock.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "catch.h"
#include "sound_track.h"

using namespace cmkd::media;

namespace {

constexpr int kRate = 1000;   // a sample is a millisecond
constexpr int kLength = 100;  // of a piece

// Pieces of 100 samples; sample i of piece k is 100 k + i + 1, so that silence and order can be told.
struct Stated {
  std::vector<std::optional<double>> times_s;
  std::optional<double> origin_s = 0.0;
};

AudioSamples placed(const Stated& stated, const AudioRange& range = {}, std::optional<double>* jump_s = nullptr) {
  SoundTrack track(0, range);
  SoundClock clock(stated.origin_s, [&](const PlacedSound& piece) { return track.take(piece); });
  bool more = true;
  for (std::size_t k = 0; k < stated.times_s.size() && more; ++k) {
    SoundPiece piece{{}, kRate, stated.times_s[k]};
    for (int i = 0; i < kLength; ++i) {
      piece.sound.values.push_back(static_cast<float>(static_cast<int>(k) * kLength + i + 1));
    }
    more = clock.add(std::move(piece));
  }
  clock.finish();
  AudioSamples sound;
  track.finish(sound);
  sound.offset_s = clock.offset_s();
  if (jump_s != nullptr) *jump_s = clock.jump_s();
  return sound;
}

// Times of `count` pieces from `start_s` on, without a gap.
std::vector<std::optional<double>> steady(double start_s, int count) {
  std::vector<std::optional<double>> times;
  for (int k = 0; k < count; ++k) times.emplace_back(start_s + 0.1 * k);
  return times;
}

std::vector<float> counting(int from, int to) {
  std::vector<float> values;
  for (int i = from; i <= to; ++i) values.push_back(static_cast<float>(i));
  return values;
}

std::vector<float> joined(std::vector<float> a, const std::vector<float>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

const std::vector<float> kSilence300(300, 0.0F);

}  // namespace

TEST_CASE("pieces without a gap stand as they come, also where times are rounded or lacking") {
  CHECK((placed({steady(0, 12)}).samples == counting(1, 1200)));
  std::vector<std::optional<double>> times = steady(0, 12);
  for (std::size_t k = 0; k < times.size(); ++k) *times[k] += k % 2 == 0 ? 0.0005 : -0.0005;
  times[0] = 0.0;
  times[5].reset();
  CHECK((placed({times}).samples == counting(1, 1200)));
  CHECK((placed({std::vector<std::optional<double>>(12)}).samples == counting(1, 1200)));
}

TEST_CASE(
    "sound after the origin is preceded by silence, sound before it is dropped, and no origin is the first sample") {
  const AudioSamples late = placed({steady(7.3, 3), 7.0});
  CHECK((late.samples == joined(kSilence300, counting(1, 300))));
  CHECK(late.offset_s == Approx(0.3));
  CHECK(late.leading_silence_s == Approx(0.3));
  const AudioSamples early = placed({steady(6.85, 3), 7.0});
  CHECK((early.samples == counting(151, 300)));
  CHECK(early.offset_s == Approx(-0.15));
  CHECK(early.decoded_samples == 150);
  CHECK((placed({steady(6.85, 3), std::nullopt}).samples == counting(1, 300)));
}

TEST_CASE("a hole is silence of its length, and two holes are two") {
  std::vector<std::optional<double>> times = steady(0, 4);
  for (const auto& time : steady(0.7, 8)) times.push_back(time);
  const AudioSamples one = placed({times});
  CHECK((one.samples == joined(joined(counting(1, 400), kSilence300), counting(401, 1200))));
  CHECK(one.hole_silence_s == Approx(0.3));
  CHECK(one.leading_silence_s == 0);
  // One piece alone between two holes.
  times = steady(0, 2);
  times.emplace_back(0.5);
  for (const auto& time : steady(0.9, 8)) times.push_back(time);
  const std::vector<float> island = joined(joined(counting(1, 200), kSilence300), counting(201, 300));
  CHECK((placed({times}).samples == joined(joined(island, kSilence300), counting(301, 1100))));
}

TEST_CASE("a time that is wrong once moves nothing, however far it is off") {
  for (const double wrong_s : {5000.0, 2.0, -3.0}) {
    std::vector<std::optional<double>> times = steady(0, 12);
    times[6] = wrong_s;
    CHECK((placed({times}).samples == counting(1, 1200)));
  }
  std::vector<std::optional<double>> times = steady(0, 12);
  times[0] = 4000.0;
  CHECK((placed({times}).samples == counting(1, 1200)));
}

TEST_CASE("times that stand still say nothing") {
  CHECK((placed({std::vector<std::optional<double>>(12, 0.0)}).samples == counting(1, 1200)));
  CHECK((placed({std::vector<std::optional<double>>(12, 7.3), 7.0}).samples == joined(kSilence300, counting(1, 1200))));
  // Four pieces that came out of one packet, and carry its time.
  std::vector<std::optional<double>> times;
  for (int packet = 0; packet < 3; ++packet) times.insert(times.end(), 4, 0.4 * packet);
  CHECK((placed({times}).samples == counting(1, 1200)));
}

TEST_CASE("a shift of 20 ms counts when it lasts, and not when it passes") {
  std::vector<std::optional<double>> times = steady(0, 6);
  for (const auto& time : steady(0.62, 10)) times.push_back(time);
  const AudioSamples lasting = placed({times});
  CHECK(lasting.samples.size() == 1620);
  CHECK(lasting.samples[599] == 600);
  CHECK(lasting.samples[600] == 0);
  CHECK(lasting.samples[620] == 601);
  times = steady(0, 16);
  for (std::size_t k = 6; k < 10; ++k) *times[k] += 0.02;
  CHECK((placed({times}).samples == counting(1, 1600)));
}

TEST_CASE("a slow drift is made up for in small steps") {
  // 110 ms from piece to piece: 10 ms are missing each time.
  std::vector<std::optional<double>> times;
  for (int k = 0; k < 30; ++k) times.emplace_back(0.11 * k);
  const AudioSamples sound = placed({times});
  // The last piece is stated at 3.19 s; it may lie off by the tolerance, and near the end by a small shift.
  const auto last = std::find(sound.samples.begin(), sound.samples.end(), 2001.0F) - sound.samples.begin();
  CHECK(std::abs(static_cast<double>(last) - 2200) <= 21);
}

TEST_CASE("pieces that lie over others are left out as far as they do") {
  // The fourth piece twice.
  std::vector<std::optional<double>> times = steady(0, 4);
  for (const auto& time : steady(0.3, 8)) times.push_back(time);
  AudioSamples sound = placed({times});
  CHECK((sound.samples == joined(counting(1, 400), counting(501, 1200))));
  CHECK(sound.overlap_dropped_s == Approx(0.1));
  // A part of one: from 0.4 s on all lies 0.05 s earlier.
  times = steady(0, 4);
  for (const auto& time : steady(0.35, 8)) times.push_back(time);
  sound = placed({times});
  CHECK((sound.samples == joined(counting(1, 400), counting(451, 1200))));
  CHECK(sound.overlap_dropped_s == Approx(0.05));
}

TEST_CASE("only what lies in the range is delivered and counted") {
  std::vector<std::optional<double>> times = steady(0.3, 2);
  for (const auto& time : steady(0.8, 8)) times.push_back(time);
  const AudioSamples sound = placed({times}, {0.1, 0.6, {}});
  // 0.1 to 0.3 s before the sound, 0.3 to 0.5 s sound, 0.5 to 0.7 s of the hole to 0.8 s.
  const std::vector<float> silence(200, 0.0F);
  CHECK((sound.samples == joined(joined(silence, counting(1, 200)), silence)));
  CHECK(sound.leading_silence_s == Approx(0.2));
  CHECK(sound.hole_silence_s == Approx(0.2));
  CHECK(sound.decoded_samples == 200);
}

TEST_CASE("times that ask for more than an hour of silence end the sound there") {
  std::vector<std::optional<double>> times = steady(0, 4);
  for (const auto& time : steady(90000, 8)) times.push_back(time);
  std::optional<double> jump_s;
  CHECK((placed({times}, {}, &jump_s).samples == counting(1, 400)));
  REQUIRE(jump_s);
  CHECK(*jump_s == Approx(90000 - 0.4));
  CHECK(placed({steady(90000, 8)}, {}, &jump_s).samples.empty());
  CHECK(jump_s);
}

TEST_CASE("where a stream changes its rate, the sound goes on at its place") {
  SoundTrack track(2000, {});
  SoundClock clock(0.0, [&](const PlacedSound& piece) { return track.take(piece); });
  double time_s = 0;
  for (int k = 0; k < 20; ++k) {
    const int rate = k < 10 ? 1000 : 2000;
    SoundPiece piece{{}, rate, time_s};
    piece.sound.values.assign(static_cast<std::size_t>(rate / 10), k < 10 ? 0.25F : 0.75F);
    time_s += 0.1;
    const bool goes_on = clock.add(std::move(piece));
    REQUIRE(goes_on);
  }
  clock.finish();
  AudioSamples sound;
  track.finish(sound);
  CHECK(sound.samples.size() == 4000);
  CHECK(sound.samples[1990] == Approx(0.25).margin(0.02));
  CHECK(sound.samples[2000] == 0.75F);
}

#endif
