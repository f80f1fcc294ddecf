#include "cmkd/probes/nearest_neighbours.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "cmkd/core/error.h"
#include "cmkd/core/interrupt.h"
#include "cmkd/core/parallel.h"
#include "products.h"

namespace cmkd::probes {

struct NearestNeighbourTrainer::Gallery {
  FeatureScaler scaler;
  std::vector<float> rows;  // [count, width], of length 1
  std::int64_t count = 0;
  std::int64_t width = 0;
  std::vector<std::int32_t> labels;
  std::vector<std::uint8_t> tags;
  std::int64_t classes = 0;
  double temperature = 0;
  int threads = 1;

  [[nodiscard]] Targets targets() const { return {labels, tags, classes}; }
};

namespace {

constexpr std::int64_t kGalleryRowsTogether = 256;
constexpr std::int64_t kQueriesTogether = 64;

struct Neighbour {
  double cosine = 0;
  std::size_t row = 0;
};

bool nearer(const Neighbour& a, const Neighbour& b) {
  return a.cosine != b.cosine ? a.cosine > b.cosine : a.row < b.row;
}

class NearestNeighbours final : public Probe {
 public:
  NearestNeighbours(std::shared_ptr<const NearestNeighbourTrainer::Gallery> gallery, std::size_t neighbours)
      : gallery_(std::move(gallery)), neighbours_(neighbours) {}

  [[nodiscard]] std::vector<float> decision_values(const FeatureMatrix& rows) const override {
    const std::vector<float> scaled = gallery_->scaler.apply(rows, "test");
    const std::vector<float> queries = unit_rows({scaled, rows.rows, rows.width}, "test");
    const std::int64_t classes = gallery_->classes;
    std::vector<float> values(static_cast<std::size_t>(rows.rows * classes));
    for_each_in_parallel((rows.rows + kQueriesTogether - 1) / kQueriesTogether, gallery_->threads,
                         [&](std::int64_t part) {
                           throw_if_interrupted();
                           const std::int64_t first = part * kQueriesTogether;
                           vote(queries.data() + first * rows.width, std::min(kQueriesTogether, rows.rows - first),
                                values.data() + first * classes);
                         });
    return values;
  }

 private:
  // The nearest of each query, nearest first.
  [[nodiscard]] std::vector<std::vector<Neighbour>> search(const float* queries, std::int64_t count) const {
    const std::int64_t width = gallery_->width;
    std::vector<std::vector<Neighbour>> nearest(static_cast<std::size_t>(count));
    std::vector<double> columns(static_cast<std::size_t>(width * kGalleryRowsTogether));  // [width, part]
    for (std::int64_t first = 0; first < gallery_->count; first += kGalleryRowsTogether) {
      const std::int64_t part = std::min(kGalleryRowsTogether, gallery_->count - first);
      for (std::int64_t j = 0; j < width; ++j) {
        for (std::int64_t r = 0; r < part; ++r) {
          columns[static_cast<std::size_t>(j * part + r)] =
              gallery_->rows[static_cast<std::size_t>((first + r) * width + j)];
        }
      }
      std::vector<double> cosines(static_cast<std::size_t>(count * part), 0);
      add_product(queries, count, width, columns.data(), part, cosines.data());
      for (std::size_t i = 0; i < cosines.size(); ++i) {
        const std::size_t column = i % static_cast<std::size_t>(part);
        keep(nearest[i / static_cast<std::size_t>(part)], {cosines[i], static_cast<std::size_t>(first) + column});
      }
    }
    for (std::vector<Neighbour>& list : nearest) std::ranges::sort(list, nearer);
    return nearest;
  }

  // `list` is a heap whose top is the farthest.
  void keep(std::vector<Neighbour>& list, const Neighbour& candidate) const {
    if (list.size() == neighbours_) {
      if (!nearer(candidate, list.front())) return;
      std::ranges::pop_heap(list, nearer);
      list.pop_back();
    }
    list.push_back(candidate);
    std::ranges::push_heap(list, nearer);
  }

  void vote(const float* queries, std::int64_t count, float* values) const {
    const auto classes = static_cast<std::size_t>(gallery_->classes);
    const Targets targets = gallery_->targets();
    const std::vector<std::vector<Neighbour>> nearest = search(queries, count);
    for (std::size_t query = 0; query < nearest.size(); ++query) {
      std::vector<double> votes(classes, 0);
      double total = 0;
      for (const Neighbour& neighbour : nearest[query]) {
        // Less the nearest one's cosine: shares do not change, and no temperature is too small for a double.
        const double weight = std::exp((neighbour.cosine - nearest[query].front().cosine) / gallery_->temperature);
        total += weight;
        for (std::size_t c = 0; c < classes; ++c) votes[c] += targets.shows(neighbour.row, c) ? weight : 0;
      }
      for (std::size_t c = 0; c < classes; ++c) values[query * classes + c] = static_cast<float>(votes[c] / total);
    }
  }

  std::shared_ptr<const NearestNeighbourTrainer::Gallery> gallery_;
  std::size_t neighbours_;
};

}  // namespace

NearestNeighbourTrainer::NearestNeighbourTrainer(FeatureScaler scaler, const FeatureMatrix& training,
                                                 const Targets& targets, double temperature, int threads)
    : ProbeTrainer(ProbeKind::kNearestNeighbours, targets.classes) {
  const std::vector<float> scaled = scaler.apply(training, "training");
  std::vector<float> rows = unit_rows({scaled, training.rows, training.width}, "training");
  gallery_ = std::make_shared<const Gallery>(Gallery{std::move(scaler),
                                                     std::move(rows),
                                                     training.rows,
                                                     training.width,
                                                     {targets.labels.begin(), targets.labels.end()},
                                                     {targets.tags.begin(), targets.tags.end()},
                                                     targets.classes,
                                                     temperature,
                                                     threads});
}

std::unique_ptr<Probe> NearestNeighbourTrainer::fit(double neighbours) const {
  if (!(neighbours >= 1 && neighbours <= static_cast<double>(gallery_->count)) ||
      neighbours != std::floor(neighbours)) {
    throw Error(ErrorKind::kUsage,
                {.what = fmt::format("{} nearest neighbours", neighbours),
                 .allowed = fmt::format("a whole number, 1 … {}, the training rows", gallery_->count)});
  }
  return std::make_unique<NearestNeighbours>(gallery_, static_cast<std::size_t>(neighbours));
}

}  // namespace cmkd::probes
