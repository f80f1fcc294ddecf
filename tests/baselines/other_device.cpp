#include "other_device.h"

#include <ATen/Context.h>
#include <ATen/Functions.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/library.h>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "reading_operators.h"

namespace cmkd::test {

namespace {

// ---- What passes between host and device -------------------------------------------------------------------------

std::mutex traffic_mutex;
Traffic traffic_so_far;

std::string with_sizes(const std::string& name, const at::Tensor& tensor) {
  std::ostringstream text;
  text << name << ' ' << tensor.sizes();
  return text.str();
}

void note_read(const std::string& name, const at::Tensor& tensor) {
  const std::lock_guard<std::mutex> lock(traffic_mutex);
  traffic_so_far.read.push_back(with_sizes(name, tensor));
}

void note_copy(const std::string& name, const at::Tensor& tensor) {
  const std::lock_guard<std::mutex> lock(traffic_mutex);
  traffic_so_far.from_host.push_back(with_sizes(name, tensor));
}

// ---- The same memory, on both devices ----------------------------------------------------------------------------

// The host cannot follow an address of the device: it lies this far from the memory, where no program has any.
constexpr std::ptrdiff_t kDeviceOffset = std::ptrdiff_t{1} << 55U;

void* address_there(void* here) { return here == nullptr ? nullptr : static_cast<char*>(here) + kDeviceOffset; }
void* address_here(void* there) { return there == nullptr ? nullptr : static_cast<char*>(there) - kDeviceOffset; }

// The memory of a storage of one device as the other one has it; it lives as long as either.
c10::DataPtr mirrored_memory(const c10::Storage& storage) {
  const bool from_host = storage.device().is_cpu();
  void* data = from_host ? address_there(storage.mutable_data()) : address_here(storage.mutable_data());
  const auto release = [](void* kept) { delete static_cast<c10::Storage*>(kept); };
  return {data, new c10::Storage(storage), release, from_host ? kOtherDevice : c10::Device(c10::kCPU)};
}

// On the host an operator may give it other memory, for a result that is larger than it is.
c10::Storage mirrored(const c10::Storage& storage) {
  const bool resizable = !storage.device().is_cpu();
  return {c10::make_intrusive<c10::StorageImpl>(c10::StorageImpl::use_byte_size_t(), storage.nbytes(),
                                                mirrored_memory(storage), c10::GetCPUAllocator(), resizable)};
}

void set_place(const at::Tensor& tensor, const at::Tensor& like) {
  tensor.unsafeGetTensorImpl()->set_sizes_and_strides(like.sizes(), like.strides(), like.storage_offset());
}

// A tensor in that storage, lying there as `like` lies in its own.
at::Tensor tensor_in(c10::Storage storage, const at::Tensor& like) {
  const c10::DispatchKey key = storage.device().is_cpu() ? c10::DispatchKey::CPU : c10::DispatchKey::HPU;
  at::Tensor tensor =
      at::detail::make_tensor<c10::TensorImpl>(std::move(storage), c10::DispatchKeySet(key), like.dtype());
  set_place(tensor, like);
  if (like.is_conj()) tensor._set_conj(true);
  if (like.is_neg()) tensor._set_neg(true);
  return tensor;
}

// ---- An operator's call, done on the host ------------------------------------------------------------------------

bool is_there(const at::Tensor& tensor) { return tensor.defined() && tensor.device() == kOtherDevice; }

// The value with each of its tensors replaced; everything else stays.
template <typename Replace>
c10::IValue with_tensors_replaced(const c10::IValue& value, const Replace& replace) {
  if (value.isTensor()) return replace(value.toTensor());
  if (value.isTensorList()) {
    c10::List<at::Tensor> tensors;
    for (const at::Tensor& tensor : value.toTensorVector()) tensors.push_back(replace(tensor));
    return tensors;
  }
  if (value.isOptionalTensorList()) {
    c10::List<std::optional<at::Tensor>> tensors;
    for (const std::optional<at::Tensor>& tensor : value.toOptionalTensorVector()) {
      tensors.push_back(tensor ? std::optional<at::Tensor>(replace(*tensor)) : std::nullopt);
    }
    return tensors;
  }
  return value;
}

// The tensors of the device that a call was given, each with the one that stands for it on the host.
class HostCall {
 public:
  at::Tensor argument(const at::Tensor& tensor) {
    if (!is_there(tensor)) return tensor;
    std::optional<c10::Storage> storage;
    for (const auto& [own, lent] : lent_) {
      if (own.is_alias_of(tensor)) storage = lent.storage();
    }
    lent_.emplace_back(tensor, tensor_in(storage ? *storage : mirrored(tensor.storage()), tensor));
    return lent_.back().second;
  }

  // An operator may have moved an argument to other memory, sizes or strides: resize_, transpose_, out=.
  void take_changes_over() {
    for (const auto& [own, lent] : lent_) {
      if (address_here(own.storage().mutable_data()) != lent.storage().mutable_data()) {
        own.storage().unsafeGetStorageImpl()->set_data_ptr_noswap(mirrored_memory(lent.storage()));
        own.storage().unsafeGetStorageImpl()->set_nbytes(lent.storage().nbytes());
      }
      if (own.sizes() != lent.sizes() || own.strides() != lent.strides() ||
          own.storage_offset() != lent.storage_offset()) {
        set_place(own, lent);
      }
    }
  }

  // An argument itself, a view of one, or a tensor of its own.
  at::Tensor result(const at::Tensor& tensor) const {
    if (!tensor.defined() || !tensor.device().is_cpu()) return tensor;
    for (const auto& [own, lent] : lent_) {
      if (lent.is_same(tensor)) return own;
    }
    for (const auto& [own, lent] : lent_) {
      if (lent.is_alias_of(tensor)) return tensor_in(own.storage(), tensor);
    }
    return tensor_in(mirrored(tensor.storage()), tensor);
  }

 private:
  std::vector<std::pair<at::Tensor, at::Tensor>> lent_;
};

// As on a GPU, where a number may come from the host with the call, and an array may not; indices may, but each call
// then copies them.
void refuse_arrays_of_host(const std::string& name, const c10::IValue& argument) {
  (void)with_tensors_replaced(argument, [&](const at::Tensor& tensor) {
    if (tensor.defined() && !is_there(tensor) && tensor.dim() > 0) {
      throw std::runtime_error(with_sizes(name + " on another device was given a tensor of the host,", tensor));
    }
    return tensor;
  });
}

// Assigning to where a mask is true needs the number of these places, unless what is assigned is a number of the host.
bool assigns_by_mask(const std::string& name, const at::ArrayRef<c10::IValue> arguments) {
  if (name != "aten::_index_put_impl_" || !is_there(arguments[2].toTensor())) return false;
  for (const std::optional<at::Tensor>& index : arguments[1].toOptionalTensorVector()) {
    if (index && index->defined() && (index->scalar_type() == at::kBool || index->scalar_type() == at::kByte)) {
      return true;
    }
  }
  return false;
}

// Calls `op` on the host with the arguments that the stack holds, and leaves results of the device in their place.
void call_on_host(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  const at::AutoDispatchBelowADInplaceOrView kernels_only;
  const std::string& name = op.schema().name();
  const std::size_t first = stack->size() - op.schema().arguments().size();
  const at::ArrayRef<c10::IValue> arguments(stack->data() + first, op.schema().arguments().size());
  if (reads_values(name) || assigns_by_mask(name, arguments)) note_read(name, arguments[0].toTensor());
  HostCall call;
  for (std::size_t i = first; i < stack->size(); ++i) {
    c10::IValue& value = (*stack)[i];
    refuse_arrays_of_host(name, value);
    if (value.isDevice() && value.toDevice().type() == kOtherDevice.type()) value = c10::Device(c10::kCPU);
    value = with_tensors_replaced(value, [&](const at::Tensor& tensor) { return call.argument(tensor); });
  }
  op.callBoxed(stack);
  call.take_changes_over();
  for (std::size_t i = first; i < stack->size(); ++i) {
    c10::IValue& value = (*stack)[i];
    value = with_tensors_replaced(value, [&](const at::Tensor& tensor) { return call.result(tensor); });
  }
}

// ---- Operators that have no kernel on the CPU --------------------------------------------------------------------

// What `copy_` and `to` come to where one side is no device of LibTorch's own.
at::Tensor copy_from(const at::Tensor& source, const at::Tensor& target, bool /*non_blocking*/) {
  const at::AutoDispatchBelowADInplaceOrView kernels_only;
  if (!is_there(target)) note_read("aten::_copy_from", source);
  if (!is_there(source)) note_copy("aten::_copy_from", source);
  HostCall call;
  const at::Tensor from = call.argument(source);
  call.argument(target).copy_(from);
  return target;
}

c10::OperatorHandle operator_named(const char* name) {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, "");
}

// A convolution of a device that is not LibTorch's own goes by a name of its own.
void convolve(const c10::OperatorHandle& /*op*/, torch::jit::Stack* stack) {
  call_on_host(operator_named("aten::convolution"), stack);
}

void convolve_backward(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  // The name for all has one argument more, the sizes of the bias, after those two and the weight.
  const auto first = stack->end() - static_cast<std::ptrdiff_t>(op.schema().arguments().size());
  const at::Tensor weight = first[2].toTensor();
  const bool transposed = first[6].toBool();
  const std::int64_t channels = transposed ? weight.size(1) * first[8].toInt() : weight.size(0);
  stack->insert(first + 3, c10::IValue(std::vector<std::int64_t>{channels}));
  call_on_host(operator_named("aten::convolution_backward"), stack);
}

// One device, always the current one, that is done with everything at once.
struct OtherDeviceGuard final : c10::impl::NoOpDeviceGuardImpl<c10::kHPU> {
  c10::Device exchangeDevice(c10::Device /*device*/) const override { return kOtherDevice; }
  c10::Device getDevice() const override { return kOtherDevice; }
  c10::Stream getStream(c10::Device /*device*/) const noexcept override { return only_stream(); }
  c10::Stream getDefaultStream(c10::Device /*device*/) const override { return only_stream(); }
  c10::Stream exchangeStream(c10::Stream /*stream*/) const noexcept override { return only_stream(); }

 private:
  static c10::Stream only_stream() { return c10::Stream(c10::Stream::DEFAULT, kOtherDevice); }
};

C10_REGISTER_GUARD_IMPL(HPU, OtherDeviceGuard)

// Without these a backward pass finds no streams. LibTorch wants one kind of accelerator in a process.
struct OtherDeviceHooks final : at::HPUHooksInterface {
  explicit OtherDeviceHooks(const at::HPUHooksArgs& /*arguments*/) {}
  bool isBuilt() const override { return has_other_device(); }
  bool isAvailable() const override { return has_other_device(); }
  bool hasHPU() const override { return has_other_device(); }
  void init() const override {}
  bool hasPrimaryContext(c10::DeviceIndex /*device*/) const override { return true; }
};

}  // namespace

bool has_other_device() {
  return !at::detail::getCUDAHooks().isBuilt() && !at::detail::getXPUHooks().isBuilt() &&
         !at::detail::getHIPHooks().isBuilt() && !at::detail::getMPSHooks().isBuilt() && !at::hasMTIA();
}

Traffic traffic() {
  const std::lock_guard<std::mutex> lock(traffic_mutex);
  return traffic_so_far;
}

void reset_traffic() {
  const std::lock_guard<std::mutex> lock(traffic_mutex);
  traffic_so_far = {};
}

}  // namespace cmkd::test

namespace at {
C10_REGISTER_CLASS(HPUHooksRegistry, HPUHooks, cmkd::test::OtherDeviceHooks)
}

TORCH_LIBRARY_IMPL(_, HPU, library) {
  library.fallback(torch::CppFunction::makeFromBoxedFunction<&cmkd::test::call_on_host>());
}

TORCH_LIBRARY_IMPL(aten, HPU, library) {
  // For these LibTorch would compose other operators than on the CPU, to other last bits, or with a warning.
  for (const char* name : {"mse_loss", "native_layer_norm", "smooth_l1_loss"}) {
    library.impl(name, torch::CppFunction::makeFromBoxedFunction<&cmkd::test::call_on_host>());
  }
  library.impl("_copy_from", &cmkd::test::copy_from);
  library.impl("convolution_overrideable", torch::CppFunction::makeFromBoxedFunction<&cmkd::test::convolve>());
  library.impl("convolution_backward_overrideable",
               torch::CppFunction::makeFromBoxedFunction<&cmkd::test::convolve_backward>());
}
