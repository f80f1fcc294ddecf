#include "seed_annotation.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "annotation.h"
#include "cmkd/core/error.h"

namespace cmkd {

using nlohmann::json;

namespace {

std::string seed_split_of(const std::string& subset, const std::string& where) {
  if (subset == "training") return "train";
  if (subset == "validation") return "test";
  fail_annotation(fmt::format("unknown subset '{}'", subset), where, "training, validation");
}

ClassNames read_labels(const AnnotationJson& document, const std::string& form) {
  const std::string where = document.place("labels");
  ClassNames classes;
  for (const json& label : json_array(json_member(document.value(), "labels", document.place(), form), where, form)) {
    const std::string place = document.place_of_item("labels", classes.names().size());
    const std::string name = json_text(label, place, form);
    if (classes.find(name)) fail_annotation(fmt::format("class '{}' is listed twice", name), place, form);
    classes.add(name);
  }
  if (classes.names().empty()) fail_annotation("no class is listed", where, form);
  return classes;
}

}  // namespace

SeedAnnotation read_seed_annotation(const std::filesystem::path& file, bool with_segments) {
  const std::string form =
      with_segments ? R"({"labels": […], "database": {key: {"subset": …, "label": …, "segment": [start_s, end_s]}}})"
                    : R"({"labels": […], "database": {key: {"subset": …, "label": …}}})";
  const AnnotationJson document(file);
  const ClassNames classes = read_labels(document, form);
  SeedAnnotation annotation;
  const json& database = json_member(document.value(), "database", document.place(), form);
  for (const auto& [key, entry] : json_object(database, document.place("database"), form).items()) {
    const std::string where = document.place("database", key);
    SeedClip clip;
    clip.where = where;
    clip.key = key;
    clip.split = seed_split_of(json_text(json_member(entry, "subset", where, form), where, form), where);
    clip.label = classes.index(json_text(json_member(entry, "label", where, form), where, form), where);
    if (with_segments) clip.segment = json_segment(json_member(entry, "segment", where, form), where, form);
    if (clip.segment && clip.segment->start_s < 0) fail_annotation("the segment begins before 0", where, form);
    annotation.clips.push_back(std::move(clip));
  }
  if (annotation.clips.empty()) fail_annotation("no clip is listed", document.place("database"), form);
  annotation.classes = classes.names();
  return annotation;
}

}  // namespace cmkd
