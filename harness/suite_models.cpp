#include "cmkd/harness/suite_models.h"

#include "cmkd/runtime/determinism.h"
#include "cmkd/runtime/tensors.h"

namespace cmkd {

ModelConfig model_config(const Suite& suite, const ModelEntry& entry, const SuiteData& data,
                         const WindowReader& reader) {
  ModelConfig config;
  config.classes = static_cast<std::int64_t>(data.listed.list.classes.size());
  config.frames = suite.clip.values.frames;
  config.height = reader.height();
  config.width = reader.width();
  config.sample_rate = data.listed.settings.sample_rate;
  config.samples = reader.samples_per_window();
  config.parameters = entry.section.values;
  return config;
}

std::shared_ptr<Model> trained_teacher(const Suite& suite, const TeacherOutputs& teacher, const SuiteData& data,
                                       const WindowReader& reader, c10::Device device) {
  std::shared_ptr<Model> model;
  {
    const ScopedSeed seed(0);  // every weight is overwritten
    model = model_registry().get(suite.teacher.id).make(model_config(suite, suite.teacher, data, reader));
  }
  load_state(*model, teacher.weights, "the teacher's kept weights");
  model->to(device);
  model->eval();
  return model;
}

}  // namespace cmkd
