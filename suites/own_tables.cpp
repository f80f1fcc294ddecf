#include "own_tables.h"

namespace cmkd::suite_file {

namespace {

template <typename Settings>
const std::vector<ParameterSpec>& specs_of_table() {
  return setting_table<Settings>().specs();
}

template <auto kTable>
Section& table_in(Suite& suite) {
  return suite.*kTable;
}

template <auto kTable, typename Settings>
constexpr OwnTable own_table(std::string_view name, TypedSection<Settings> Suite::* /*table*/) {
  return {name, table_in<kTable>, specs_of_table<Settings>};
}

template <auto kTable>
constexpr OwnTable own_table(std::string_view name) {
  return own_table<kTable>(name, kTable);
}

}  // namespace

std::span<const OwnTable> own_tables() {
  static constexpr OwnTable kTables[] = {
      own_table<&Suite::general>("suite"),     own_table<&Suite::ingest>("ingest"),
      own_table<&Suite::clip>("clip"),         own_table<&Suite::labels>("labels"),
      own_table<&Suite::training>("training"), own_table<&Suite::evaluation>("evaluation"),
      own_table<&Suite::tune>("tune"),         own_table<&Suite::corruption>("corruption"),
      own_table<&Suite::runtime>("runtime"),   own_table<&Suite::loading>("loading"),
  };
  return kTables;
}

}  // namespace cmkd::suite_file
