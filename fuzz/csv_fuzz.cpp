// Tables: the first byte chooses the form.
#include "cmkd/readers/csv.h"
#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  cmkd::CsvForm form;
  form.header = (data[0] & 1) == 0;
  form.fields = form.header ? 0 : 1 + (data[0] >> 4);
  form.row = "a,b";
  form.spaces_after_commas = (data[0] & 2) != 0;
  form.comments = (data[0] & 4) != 0;
  cmkd::fuzz::expect_answer([&] {
    const cmkd::CsvTable table = cmkd::parse_csv_rows(text, "fuzz.csv", form);
    for (const cmkd::CsvRow& row : table.rows) (void)table.where(row);
  });
  cmkd::fuzz::expect_answer([&] { (void)cmkd::parse_csv(text, "fuzz.csv").column("path"); });
  return 0;
}
