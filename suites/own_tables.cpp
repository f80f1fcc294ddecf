#include "own_tables.h"

namespace cmkd::suite_file {

namespace {

template <auto kTable>
Section& table_in(Suite& suite) {
  return suite.*kTable;
}

}  // namespace

std::span<const OwnTable> own_tables() {
  static constexpr OwnTable kTables[] = {
      {"suite", table_in<&Suite::general>},     {"ingest", table_in<&Suite::ingest>},
      {"clip", table_in<&Suite::clip>},         {"labels", table_in<&Suite::labels>},
      {"training", table_in<&Suite::training>}, {"evaluation", table_in<&Suite::evaluation>},
      {"tune", table_in<&Suite::tune>},         {"corruption", table_in<&Suite::corruption>},
      {"runtime", table_in<&Suite::runtime>},   {"loading", table_in<&Suite::loading>},
  };
  return kTables;
}

}  // namespace cmkd::suite_file
