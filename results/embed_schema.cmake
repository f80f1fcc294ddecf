# cmake -DIN=schema.sql -DOUT=schema_sql.cpp -P embed_schema.cmake: the schema as a string literal of the program.
file(READ "${IN}" sql)
file(WRITE "${OUT}" "#include <string_view>\n\n"
                    "namespace cmkd::results {\n\n"
                    "extern const std::string_view kSchemaSql;\n"
                    "const std::string_view kSchemaSql = R\"sql(${sql})sql\";\n\n"
                    "}  // namespace cmkd::results\n")
