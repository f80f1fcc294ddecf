#include "operator_graph.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Functions.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/grad_mode.h>
#include <torch/library.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include "reading_operators.h"

namespace cmkd::test {

namespace {

// Below autograd, above the kernels, and used by nothing else here.
constexpr c10::DispatchKey kRecording = c10::DispatchKey::Fake;

int recordings_so_far = 0;

std::vector<at::Tensor> tensors_in(const c10::IValue& value) {
  std::vector<at::Tensor> tensors;
  if (value.isTensor()) {
    if (value.toTensor().defined()) tensors.push_back(value.toTensor());
  } else if (value.isList()) {
    for (const c10::IValue& element : value.toListRef()) {
      for (at::Tensor& tensor : tensors_in(element)) tensors.push_back(std::move(tensor));
    }
  }
  return tensors;
}

// The same memory as it lies now: what an operator does to the shape of a tensor later is another call's.
c10::IValue as_it_lies(const c10::IValue& value) {
  const auto alias = [](const at::Tensor& tensor) {
    if (!tensor.defined()) return tensor;
    return tensor.as_strided(tensor.sizes(), tensor.strides(), tensor.storage_offset());
  };
  if (value.isTensor()) return alias(value.toTensor());
  if (!value.isTensorList()) return value;
  c10::List<at::Tensor> tensors;
  for (const at::Tensor& tensor : value.toTensorVector()) tensors.push_back(alias(tensor));
  return tensors;
}

std::vector<c10::IValue> as_they_lie(torch::jit::Stack::const_iterator first, torch::jit::Stack::const_iterator last) {
  const at::AutoDispatchBelowADInplaceOrView below;
  std::vector<c10::IValue> values;
  for (; first != last; ++first) values.push_back(as_it_lies(*first));
  return values;
}

// What is being recorded by this thread.
struct Recording {
  std::vector<OperatorGraph::Call> calls;
  std::vector<std::pair<at::Tensor, at::Tensor>> before;  // a tensor that is written, and what it held
};
thread_local Recording* open_recording = nullptr;

void refuse_reading(const std::string& name) {
  if (reads_values(name)) throw std::runtime_error(name + " is not permitted while a graph is recorded");
}

// Batch normalisation writes its running averages, and its schema does not say so.
bool writes(const c10::FunctionSchema& schema, std::size_t argument) {
  const c10::Argument& declared = schema.arguments()[argument];
  if (declared.alias_info() != nullptr && declared.alias_info()->isWrite()) return true;
  return schema.name() == "aten::native_batch_norm" && declared.name().starts_with("running_");
}

void record_call(const c10::OperatorHandle& op, c10::DispatchKeySet keys, torch::jit::Stack* stack) {
  const c10::impl::ExcludeDispatchKeyGuard kernels_only(kRecording);
  const c10::FunctionSchema& schema = op.schema();
  refuse_reading(schema.name());
  OperatorGraph::Call call{op, {}, {}};
  const auto inputs = static_cast<std::ptrdiff_t>(schema.arguments().size());
  call.inputs = as_they_lie(stack->end() - inputs, stack->end());
  for (std::size_t i = 0; i < call.inputs.size(); ++i) {
    if (!writes(schema, i)) continue;
    const at::AutoDispatchBelowADInplaceOrView below;
    for (const at::Tensor& tensor : tensors_in(call.inputs[i])) {
      open_recording->before.emplace_back(tensor, tensor.clone());
    }
  }
  op.redispatchBoxed(keys & c10::DispatchKeySet(c10::DispatchKeySet::FULL_AFTER, kRecording), stack);
  const auto outputs = static_cast<std::ptrdiff_t>(schema.returns().size());
  call.outputs = as_they_lie(stack->end() - outputs, stack->end());
  open_recording->calls.push_back(std::move(call));
}

// The values of the tensors that a repeated call has made, in those that the recorded one made.
void give(const std::vector<c10::IValue>& from, const std::vector<c10::IValue>& to) {
  for (std::size_t i = 0; i < to.size(); ++i) {
    const std::vector<at::Tensor> made = tensors_in(from[i]);
    const std::vector<at::Tensor> kept = tensors_in(to[i]);
    for (std::size_t k = 0; k < kept.size(); ++k) {
      if (made[k].const_data_ptr() != kept[k].const_data_ptr()) kept[k].copy_(made[k]);
    }
  }
}

}  // namespace

void OperatorGraph::record(const std::function<void()>& work) {
  at::Generator generator = at::detail::getDefaultCPUGenerator();
  const at::Tensor drawn = generator.get_state();
  Recording recording;
  open_recording = &recording;
  {
    const c10::impl::IncludeDispatchKeyGuard recorded(kRecording);
    try {
      work();
    } catch (...) {
      open_recording = nullptr;
      throw;
    }
  }
  open_recording = nullptr;
  // Nothing of it is to be done yet.
  const at::AutoDispatchBelowADInplaceOrView below;
  std::for_each(recording.before.rbegin(), recording.before.rend(),
                [](const auto& written) { written.first.copy_(written.second); });
  generator.set_state(drawn);
  calls_ = std::move(recording.calls);
  ++recordings_so_far;
}

void OperatorGraph::replay() {
  const at::AutoDispatchBelowADInplaceOrView below;
  for (const Call& call : calls_) {
    torch::jit::Stack stack(call.inputs.begin(), call.inputs.end());
    call.op.callBoxed(stack);
    give(stack, call.outputs);
  }
}

int OperatorGraph::recordings() { return recordings_so_far; }

}  // namespace cmkd::test

TORCH_LIBRARY_IMPL(_, Fake, library) {
  library.fallback(torch::CppFunction::makeFromBoxedFunction<&cmkd::test::record_call>());
}
