// The picture: a textured lobed shape on a torus that moves, grows, shrinks or oscillates.
//
// No single frame tells the class. Position, angle and the logarithm of the size are uniform at the start, and every
// motion keeps them so: translation and oscillation wrap round the torus, growth from the
// largest size to the smallest. At each frame the distribution of pictures is the same for all classes.
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "synthetic_parts.h"

namespace cmkd {

namespace {

constexpr double kSyntheticVideoTwoPi = 2 * std::numbers::pi;
constexpr double kDiagonal = std::numbers::sqrt2 / 2;  // of a diagonal step along each axis
constexpr int kLobes = 5;                              // harmonics 1 … 5 of the outline

// Everything that clips of one scene share.
struct Scene {
  std::array<double, kLobes> lobe_cos{};
  std::array<double, kLobes> lobe_sin{};
  double stripe_x = 0;  // radians for each unit of the shape's radius
  double stripe_y = 0;
  double stripe_phase = 0;
  double sign = 1;  // brighter or darker than the background
  std::array<double, 3> tint{};
  std::array<double, 3> background_tint{};
  double wave_phase[3] = {};
};

struct Blob {
  double x, y, velocity_x, velocity_y, radius, brightness;
};

// The pose of the shape in one frame.
struct Pose {
  double x, y, angle, radius;
};

double wrap(double value, double period) { return value - period * std::floor(value / period); }
// Signed distance on a torus: in [-period / 2, period / 2).
double wrap_difference(double value, double period) { return wrap(value + period / 2, period) - period / 2; }

Scene draw_scene(RandomStream stream) {
  Scene scene;
  for (int k = 0; k < kLobes; ++k) {
    // The sum stays below 1, so that the outline is a simple curve.
    const double amplitude = stream.uniform(0.06, 0.2) / (k == 0 ? 2 : 1);
    const double phase = stream.uniform(0, kSyntheticVideoTwoPi);
    scene.lobe_cos[static_cast<std::size_t>(k)] = amplitude * std::cos(phase);
    scene.lobe_sin[static_cast<std::size_t>(k)] = amplitude * std::sin(phase);
  }
  const double direction = stream.uniform(0, kSyntheticVideoTwoPi);
  const double frequency = stream.uniform(2.5, 4.5);
  scene.stripe_x = frequency * std::cos(direction);
  scene.stripe_y = frequency * std::sin(direction);
  scene.stripe_phase = stream.uniform(0, kSyntheticVideoTwoPi);
  scene.sign = stream.bernoulli(0.5) ? 1 : -1;
  for (double& value : scene.tint) value = stream.uniform(-0.08, 0.08);
  for (double& value : scene.background_tint) value = stream.uniform(-0.05, 0.05);
  for (double& phase : scene.wave_phase) phase = stream.uniform(0, kSyntheticVideoTwoPi);
  return scene;
}

std::vector<Blob> draw_blobs(const SyntheticOptions& options, RandomStream& stream) {
  std::vector<Blob> blobs;
  const double pace = options.size / 16.0;
  for (std::int64_t k = 0; k < options.distractors; ++k) {
    const double direction = stream.uniform(0, kSyntheticVideoTwoPi);
    const double speed = pace * stream.uniform(options.speed_low, options.speed_high);
    blobs.push_back({stream.uniform(0, options.size), stream.uniform(0, options.size), speed * std::cos(direction),
                     speed * std::sin(direction), options.size * stream.uniform(0.06, 0.12),
                     options.distractor_contrast * (stream.bernoulli(0.5) ? 1 : -1)});
  }
  return blobs;
}

// The shape's pose over time. The draws are the same for every class: only the rule of motion differs.
class Motion {
 public:
  Motion(const SyntheticOptions& options, std::int64_t label, double speed, RandomStream& stream)
      : size_(options.size), label_(label), smallest_(0.10 * options.size), growth_(std::log(0.30 / 0.10)) {
    start_ = {stream.uniform(0, size_), stream.uniform(0, size_), stream.uniform(0, kSyntheticVideoTwoPi),
              stream.uniform()};
    phase_ = stream.uniform(0, kSyntheticVideoTwoPi);
    step_ = speed * size_ / 16;
  }

  [[nodiscard]] Pose at(std::int64_t frame) const {
    const double moved = step_ * static_cast<double>(frame);  // pixels
    const double unit = moved / size_ * 16;                   // frames at speed 1
    Pose pose = start_;
    double size_share = start_.radius;
    switch (label_) {
      case 0:
        pose.x -= moved;
        break;
      case 1:
        pose.x += moved;
        break;
      case 2:
        pose.y -= moved;
        break;
      case 3:
        pose.y += moved;
        break;
      case 4:  // the picture's y points down
        pose.x -= moved * kDiagonal;
        pose.y -= moved * kDiagonal;
        break;
      case 5:
        pose.x += moved * kDiagonal;
        pose.y += moved * kDiagonal;
        break;
      case 6:
        size_share += 0.09 * unit;
        break;
      case 7:
        size_share -= 0.09 * unit;
        break;
      case 8:
        pose.x += size_ * 0.14 * (std::sin(0.65 * unit + phase_) - std::sin(phase_));
        break;
      default:
        pose.y += size_ * 0.14 * (std::sin(0.65 * unit + phase_) - std::sin(phase_));
        break;
    }
    pose.radius = smallest_ * std::exp(growth_ * wrap(size_share, 1));
    return pose;
  }

 private:
  double size_;
  std::int64_t label_;
  double smallest_;
  double growth_;
  double step_ = 0;
  double phase_ = 0;
  Pose start_{};
};

// How much of the pixel the shape covers, and its texture there. (x, y) relative to the shape's centre, in its radii.
struct Touch {
  double cover, texture;
};

Touch touch(const Scene& scene, double x, double y, double softness) {
  const double square = x * x + y * y;
  if (square > 3.5) return {0, 0};
  const double radius = std::sqrt(square);
  const double cosine = radius > 1e-9 ? x / radius : 1;
  const double sine = radius > 1e-9 ? y / radius : 0;
  double outline = 0.85;
  double multiple_cos = 1;
  double multiple_sin = 0;
  for (std::size_t k = 0; k < kLobes; ++k) {  // cos and sin of (k + 1) times the angle, by addition theorems
    const double next_cos = multiple_cos * cosine - multiple_sin * sine;
    multiple_sin = multiple_sin * cosine + multiple_cos * sine;
    multiple_cos = next_cos;
    outline += scene.lobe_cos[k] * multiple_cos + scene.lobe_sin[k] * multiple_sin;
  }
  const double cover = std::clamp((outline - radius) / softness + 0.5, 0.0, 1.0);
  return {cover, cover > 0 ? std::sin(scene.stripe_x * x + scene.stripe_y * y + scene.stripe_phase) : 0};
}

class Painter {
 public:
  Painter(const SyntheticOptions& options, const SyntheticDraw& draw)
      : options_(options),
        scene_(draw_scene(draw.scene)),
        motion_stream_(draw.motion),
        noise_(draw.pixels),
        motion_(options, draw.label, draw.speed, motion_stream_),
        blobs_(draw_blobs(options, motion_stream_)) {
    const double direction = motion_stream_.uniform(0, kSyntheticVideoTwoPi);
    const double speed = options.drift * options.size / 16 * motion_stream_.uniform();
    drift_x_ = speed * std::cos(direction);
    drift_y_ = speed * std::sin(direction);
    drift_start_x_ = motion_stream_.uniform(0, options.size);
    drift_start_y_ = motion_stream_.uniform(0, options.size);
  }

  void paint(std::int64_t frame, std::uint8_t* pixels) {
    const int size = options_.size;
    const std::size_t plane = static_cast<std::size_t>(size) * static_cast<std::size_t>(size);
    const double shift_x = drift_start_x_ + drift_x_ * static_cast<double>(frame);
    const double shift_y = drift_start_y_ + drift_y_ * static_cast<double>(frame);
    const Pose pose = motion_.at(frame);
    const double cosine = std::cos(pose.angle) / pose.radius;
    const double sine = std::sin(pose.angle) / pose.radius;
    for (int y = 0; y < size; ++y) {
      for (int x = 0; x < size; ++x) {
        const double dx = wrap_difference(x + 0.5 - pose.x - shift_x, size);
        const double dy = wrap_difference(y + 0.5 - pose.y - shift_y, size);
        const Touch shape = touch(scene_, cosine * dx + sine * dy, cosine * dy - sine * dx, 1.5 / pose.radius);
        double grey = background(x - shift_x, y - shift_y) + blobs_at(x + 0.5, y + 0.5, frame);
        grey += shape.cover * (scene_.sign * options_.shape_contrast + options_.texture_contrast * shape.texture);
        grey += options_.pixel_noise * noise();
        for (std::size_t channel = 0; channel < 3; ++channel) {
          const double tint = scene_.background_tint[channel] * (1 - shape.cover) + scene_.tint[channel] * shape.cover;
          const double value = std::clamp((grey + tint) * 255.0 + 0.5, 0.0, 255.0);
          pixels[channel * plane + static_cast<std::size_t>(y * size + x)] = static_cast<std::uint8_t>(value);
        }
      }
    }
  }

 private:
  // Two waves whose periods divide the torus.
  [[nodiscard]] double background(double x, double y) const {
    const double scale = kSyntheticVideoTwoPi / options_.size;
    return 0.5 + options_.background_contrast * 0.5 *
                     (std::sin(scale * (x + y) + scene_.wave_phase[0]) +
                      std::sin(scale * (2 * y - x) + scene_.wave_phase[1]));
  }

  [[nodiscard]] double blobs_at(double x, double y, std::int64_t frame) const {
    double sum = 0;
    for (const Blob& blob : blobs_) {
      const double dx = wrap_difference(x - blob.x - blob.velocity_x * static_cast<double>(frame), options_.size);
      const double dy = wrap_difference(y - blob.y - blob.velocity_y * static_cast<double>(frame), options_.size);
      const double distance = (dx * dx + dy * dy) / (blob.radius * blob.radius);
      sum += blob.brightness / (1 + distance * distance);
    }
    return sum;
  }

  // Nearly normal, variance 1: the sum of four bytes, so that no function of the mathematical library is in it.
  double noise() {
    const std::uint32_t bits = noise_.next_u32();
    const auto sum = static_cast<int>((bits & 255U) + (bits >> 8U & 255U) + (bits >> 16U & 255U) + (bits >> 24U));
    return (sum - 510) / 147.8;
  }

  const SyntheticOptions& options_;
  Scene scene_;
  RandomStream motion_stream_;
  RandomStream noise_;
  Motion motion_;
  std::vector<Blob> blobs_;
  double drift_x_ = 0;
  double drift_y_ = 0;
  double drift_start_x_ = 0;
  double drift_start_y_ = 0;
};

}  // namespace

std::vector<std::uint8_t> draw_synthetic_video(const SyntheticOptions& options, const SyntheticDraw& draw) {
  const std::size_t frame_bytes = 3 * static_cast<std::size_t>(options.size) * static_cast<std::size_t>(options.size);
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(options.frames) * frame_bytes);
  Painter painter(options, draw);
  for (std::int64_t frame = 0; frame < options.frames; ++frame) {
    painter.paint(frame, pixels.data() + static_cast<std::size_t>(frame) * frame_bytes);
  }
  return pixels;
}

}  // namespace cmkd
