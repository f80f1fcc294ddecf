# cmake -DTABLES=schema.sql -DVIEWS=views.sql -DOUT=schema_sql.cpp -P embed_schema.cmake: the schema as string literals of
# the program.
file(READ "${TABLES}" tables)
file(READ "${VIEWS}" views)
file(WRITE "${OUT}" "#include <string_view>\n\n"
                    "namespace cmkd::results {\n\n"
                    "extern const std::string_view kSchemaSql;\n"
                    "extern const std::string_view kViewsSql;\n"
                    "const std::string_view kSchemaSql = R\"sql(${tables}\n${views})sql\";\n"
                    "const std::string_view kViewsSql = R\"sql(${views})sql\";\n\n"
                    "}  // namespace cmkd::results\n")
