// Holds a method to what methods/training.h asks of a step. A violation throws a std::runtime_error that says what the
// method did and how to mend it; the trainer adds the method's name and the place, and the run becomes a failed row.
#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <vector>

#include "cmkd/methods/training.h"
#include "cmkd/runtime/batch.h"

namespace cmkd {

// Notices tensors of a batch, teacher's outputs included, that are changed in place while it lives. Reads autograd's
// version counters only: no tensor is copied or compared, no device waits, so it runs at every step.
class BatchGuard {
 public:
  explicit BatchGuard(const Batch& batch);  // `batch` outlives the guard

  void require_unchanged() const;

 private:
  struct Watched {
    std::string name;  // "the teacher's logits"
    const at::Tensor* tensor;
    std::int64_t version;
  };
  std::vector<Watched> watched_;
};

// Every term has a value, a single number.
void require_scalar_terms(const std::vector<LossTerm>& terms);

// Every tensor that a term's gradient would flow to belongs to a group, trained now or not. One that belongs to none
// (a layer that was not registered, a teacher that was not frozen) would silently stay as it was initialised. Walks the
// whole graph: for the first step of a phase.
void require_owned(const std::vector<LossTerm>& terms, const std::vector<ModuleGroup>& groups);

// Whether what a method's own code threw is the method's doing, and ends this run alone. A signal and a machine that
// lacks something (a full disk) are not.
[[nodiscard]] bool blames_method(const std::exception& error);

// What an exception says, in one line, as a row's reason is shown.
[[nodiscard]] std::string reason_of(const std::exception& error);

}  // namespace cmkd
