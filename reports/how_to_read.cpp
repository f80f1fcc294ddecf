// What stands under every leaderboard.
#include "text.h"

namespace cmkd::reports {

const std::vector<std::string>& how_to_read() {
  // In brackets: one line each of several literals.
  static const std::vector<std::string> lines{
      "n: seeds with a result, of those wanted. A seed is one whole training; the teacher is trained anew for each.",
      ("± is the standard deviation over the seeds (divisor n − 1): the spread of single trainings, not the "
       "uncertainty "
       "of the mean."),
      ("[low, high] is the 95 % Student-t interval over the seeds: of the mean, or of the mean paired difference. It "
       "assumes normally distributed values and knows nothing of the metric's range: an end beyond it stands at the "
       "range's, marked †."),
      ("Test clips: the 95 % percentile interval of a bootstrap that draws the source videos of the test clips with "
       "replacement, all clips of a video together, with the trained seeds as they are: what another test set of this "
       "kind could change. The interval over the seeds says what another training could. Neither holds the other."),
      ("Against student: mean of the differences seed by seed, in points of the metric, over seeds on which both "
       "started from the same weights and saw the same batches and augmentation. p is the two-sided sign-flip "
       "permutation test of these differences (exact up to 20 seeds, above by 100,000 draws), not corrected for the "
       "number of rows."),
      ("Rank: of the mean among the ranked rows, ties averaged; in brackets its 95 % percentile interval over "
       "resampled "
       "seeds, the same seeds for every row."),
      ("Pairs: difference of the higher mean and the lower; p as above, after Holm's correction over the pairs of the "
       "table from 6 seeds on; the probability that a seed of the one beats a seed of the other, with a bootstrap "
       "interval; Cohen's d_z (mean difference over its standard deviation) and Cliff's δ (share of pairs of seeds won "
       "less those lost); and, from 5 seeds on, the probabilities of the Bayesian signed-rank test that the one is "
       "better by more than 1 point, that they are practically equal, that the other is."),
      ("Only methods with all of their seeds are ranked. Controls stand under their method; ceiling and teacher are "
       "bounds; a partial row says what is missing."),
      ("Other metrics are means over the same seeds; (n = …) where a seed lacks one. Mean class accuracy: mean over "
       "the "
       "classes of the share of their clips that are recognised. Calibration error: |accuracy − confidence| over 15 "
       "equal-width bins of the highest probability. Brier score: squared distance of the scores from the true class, "
       "0 to 2. NLL: mean −ln of the true class's probability. Agreement: share of clips on which student and teacher "
       "name the same class. KL: mean of KL(teacher ‖ student)."),
      "× student: ratio of the mean to the student's.",
      ("Verified: how far the implementation was checked against its original: whole training step, loss, part, or "
       "none.")};
  return lines;
}

}  // namespace cmkd::reports
