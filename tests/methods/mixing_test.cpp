// Mixup, CutMix and soft targets, by small cases worked out by hand.
#include "catch.h"
//
#include <ATen/ATen.h>

#include <cmath>

#include "cmkd/methods/losses.h"
#include "cmkd/methods/mixing.h"
#include "gradient_check.h"

using namespace cmkd;

namespace {

at::Tensor known_of(const std::vector<std::int64_t>& flags) { return at::tensor(flags, at::kLong).to(at::kBool); }

at::Tensor longs(const std::vector<std::int64_t>& values) { return at::tensor(values, at::kLong); }

at::Tensor doubles(const std::vector<double>& values) { return at::tensor(values, at::kDouble); }

}  // namespace

TEST_CASE("Labelled clips are partnered from both ends of a batch, and a clip without a label is its own partner") {
  // Labelled are 0, 2, 3, 5: the first with the last, the second with the third.
  CHECK(at::equal(mixing_partners(known_of({1, 0, 1, 1, 0, 1})), longs({5, 1, 3, 2, 4, 0})));
  CHECK(at::equal(mixing_partners(known_of({1, 1, 1})), longs({2, 1, 0})));
  CHECK(at::equal(mixing_partners(known_of({0, 0})), longs({0, 1})));
  CHECK(at::equal(mixing_partners(known_of({0, 1, 0})), longs({0, 1, 2})));
}

TEST_CASE("Mixup adds labelled clips and their labels by the share, and leaves a clip without a label as it is") {
  const at::Tensor known = known_of({1, 0, 1});
  const at::Tensor partners = mixing_partners(known);
  const Mix mix{.share = 0.75};
  const at::Tensor sound = at::tensor({4.0F, 8.0F, 0.1F, 0.3F, 8.0F, -4.0F}).view({3, 2});
  const at::Tensor mixed = mix_inputs(sound, known, partners, mix);
  // 3/4 of (4, 8) and 1/4 of (8, −4); the other way round for the last clip.
  CHECK(at::equal(mixed[0], at::tensor({5.0F, 5.0F})));
  CHECK(at::equal(mixed[1], sound[1]));
  CHECK(at::equal(mixed[2], at::tensor({7.0F, -1.0F})));
  // ε = 0.3 of three classes: 0.7 + 0.1 for the label, 0.1 for the others; 3/4 · 0.8 + 1/4 · 0.1 = 0.625.
  // Behind the hidden label stands a class, which must not be seen.
  const at::Tensor targets = mix_targets(soft_targets(longs({0, 1, 2}), known, 3, 0.3), partners, mix.share);
  const at::Tensor expected = at::tensor({0.625F, 0.1F, 0.275F, 0.0F, 0.0F, 0.0F, 0.275F, 0.1F, 0.625F}).view({3, 3});
  CHECK(at::allclose(targets, expected, 0, 1e-6));
}

TEST_CASE("Tags are smoothed towards one over their number, and a hidden row is empty") {
  const at::Tensor tags = at::tensor({1.0F, 0.0F, -1.0F, -1.0F}).view({2, 2});
  // (1 − 0.2) · 1 + 0.2 / 2 = 0.9 and 0.1.
  const at::Tensor expected = at::tensor({0.9F, 0.1F, 0.0F, 0.0F}).view({2, 2});
  CHECK(at::allclose(soft_targets(tags, known_of({1, 0}), 2, 0.2), expected, 0, 1e-6));
}

TEST_CASE("A cut puts the partner's piece into all frames of a clip, and touches nothing without a label") {
  const at::Tensor known = known_of({1, 0, 1});
  const at::Tensor video = at::tensor({1.0F, 2.0F, 3.0F}).view({3, 1, 1, 1, 1}).expand({3, 3, 2, 4, 4}).contiguous();
  const Mix mix{.share = 0.75, .cut = true, .top = 1, .bottom = 3, .left = 2, .right = 4};
  const at::Tensor mixed = mix_inputs(video, known, mixing_partners(known), mix);
  at::Tensor expected = video.clone();
  expected[0].narrow(2, 1, 2).narrow(3, 2, 2).fill_(3.0F);
  expected[2].narrow(2, 1, 2).narrow(3, 2, 2).fill_(1.0F);
  CHECK(at::equal(mixed, expected));
  CHECK(at::equal(video[0], at::full({3, 2, 4, 4}, 1.0F)));  // the batch itself is not changed
  const at::Tensor sound = at::tensor({1.0F, 2.0F, 3.0F}).view({3, 1}).expand({3, 8}).contiguous();
  const Mix stretch{.share = 0.625, .cut = true, .left = 2, .right = 5};
  const at::Tensor cut = mix_inputs(sound, known, mixing_partners(known), stretch);
  CHECK(at::equal(cut[0], at::tensor({1.0F, 1.0F, 3.0F, 3.0F, 3.0F, 1.0F, 1.0F, 1.0F})));
  CHECK(at::equal(cut[1], sound[1]));
}

TEST_CASE("A drawn share is that of what a cut leaves, pieces lie inside, and what is off is never drawn") {
  RandomStream stream(7);
  int cuts = 0;
  for (int i = 0; i < 400; ++i) {
    const Mix mix = draw_mix({.mixup = 0.6, .cutmix = 0.5}, {2, 3, 2, 12, 20}, stream);
    CHECK((mix.share >= 0 && mix.share <= 1));
    if (!mix.cut) continue;
    ++cuts;
    CHECK((0 <= mix.top && mix.top <= mix.bottom && mix.bottom <= 12));
    CHECK((0 <= mix.left && mix.left <= mix.right && mix.right <= 20));
    const double left = 1 - static_cast<double>((mix.bottom - mix.top) * (mix.right - mix.left)) / 240.0;
    CHECK(mix.share == Approx(left));
    const Mix sound = draw_mix({.cutmix = 1.0}, {2, 100}, stream);
    CHECK(sound.share == Approx(1 - static_cast<double>(sound.right - sound.left) / 100.0));
    CHECK(sound.cut);
  }
  CHECK((cuts > 150 && cuts < 250));  // every other one: 200 ± 10 is one deviation
  for (int i = 0; i < 50; ++i) {
    CHECK_FALSE(draw_mix({.mixup = 1.0}, {2, 8}, stream).cut);
    CHECK(draw_mix({.mixup = 1.0, .chance = 0.0}, {2, 8}, stream).share == 1.0);
    CHECK(draw_mix({}, {2, 8}, stream).share == 1.0);
  }
}

TEST_CASE("Shares follow Beta(alpha, alpha): mean 1/2, variance 1 / (4 (2 alpha + 1)), and no alpha breaks them") {
  for (const double alpha : {0.2, 0.6, 1.0, 4.0}) {
    RandomStream stream(11);
    double sum = 0;
    double squares = 0;
    constexpr int kDraws = 20000;
    for (int i = 0; i < kDraws; ++i) {
      const double share = draw_beta(alpha, stream);
      sum += share;
      squares += (share - 0.5) * (share - 0.5);
    }
    CAPTURE(alpha);
    CHECK(sum / kDraws == Approx(0.5).margin(0.01));
    CHECK(squares / kDraws == Approx(1 / (4 * (2 * alpha + 1))).margin(0.004));
  }
  RandomStream stream(13);
  for (int i = 0; i < 1000; ++i) {
    const double share = draw_beta(1e-3, stream);  // u^(1000) is 0 in double precision
    CHECK((share >= 0 && share <= 1));
  }
}

TEST_CASE("The soft loss is the cross-entropy with the targets, averaged over labelled clips alone") {
  // softmax(0, ln 3) = (1/4, 3/4), and as targets: −1/4 ln 1/4 − 3/4 ln 3/4 = 0.562335…
  const at::Tensor logits = doubles({0, std::log(3.0), 5, -5}).view({2, 2});
  const at::Tensor targets = doubles({0.25, 0.75, 0, 0}).view({2, 2});
  const at::Tensor known = known_of({1, 0});
  CHECK(soft_classification_term(logits, targets, known, false).item<double>() == Approx(0.5623351446188083));
  // Tags, logits 0: ln 2 for every class, whatever the target.
  const at::Tensor none = at::zeros({2, 2}, at::kDouble);
  CHECK(soft_classification_term(none, targets, known, true).item<double>() == Approx(std::log(2.0)));
  const at::Tensor leaf = logits.clone().requires_grad_(true);
  const at::Tensor empty = soft_classification_term(leaf, targets, known_of({0, 0}), false);
  CHECK(empty.item<double>() == 0.0);
  CHECK(empty.requires_grad());
}

TEST_CASE("Without smoothing and mixing the soft loss is the plain one") {
  const at::Tensor logits = test::noise({4, 3}, 1).to(at::kFloat);
  const at::Tensor known = known_of({1, 0, 1, 1});
  const at::Tensor labels = longs({2, -1, 0, 1});
  const at::Tensor soft = soft_classification_term(logits, soft_targets(labels, known, 3, 0), known, false);
  CHECK(at::allclose(soft, classification_term(logits, labels, known), 1e-6, 0));
  const at::Tensor tags =
      at::tensor({1.0F, 0.0F, 1.0F, -1.0F, -1.0F, -1.0F, 0.0F, 0.0F, 0.0F, 0.0F, 1.0F, 1.0F}).view({4, 3});
  const at::Tensor soft_tags = soft_classification_term(logits, soft_targets(tags, known, 3, 0), known, true);
  CHECK(at::allclose(soft_tags, classification_term(logits, tags, known), 1e-6, 0));
}

TEST_CASE("The soft loss's gradient agrees with finite differences, of labels and of tags") {
  const at::Tensor known = known_of({1, 0, 1, 1});
  const at::Tensor targets =
      mix_targets(soft_targets(longs({2, -1, 0, 1}), known, 3, 0.1), mixing_partners(known), 0.3).to(at::kDouble);
  for (const bool tags : {false, true}) {
    const double error = test::gradient_error({test::noise({4, 3}, 2)}, [&](const std::vector<at::Tensor>& leaves) {
      return soft_classification_term(leaves[0], targets, known, tags);
    });
    CHECK(error < 1e-6);
  }
}
