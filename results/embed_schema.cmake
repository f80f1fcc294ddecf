# cmake -DTABLES=schema.sql -DVIEWS=views.sql -DMIGRATION_4=migration_4.sql -DMIGRATION_5=migration_5.sql
# -DOUT=schema_sql.cpp -P embed_schema.cmake: the schema as string literals of the program.
file(READ "${TABLES}" tables)
file(READ "${VIEWS}" views)
file(READ "${MIGRATION_4}" migration_4)
file(READ "${MIGRATION_5}" migration_5)
file(WRITE "${OUT}" "#include <string_view>\n\n"
                    "namespace cmkd::results {\n\n"
                    "extern const std::string_view kSchemaSql;\n"
                    "extern const std::string_view kViewsSql;\n"
                    "extern const std::string_view kMigration4Sql;\n"
                    "extern const std::string_view kMigration5Sql;\n"
                    "const std::string_view kSchemaSql = R\"sql(${tables}\n${views})sql\";\n"
                    "const std::string_view kViewsSql = R\"sql(${views})sql\";\n"
                    "const std::string_view kMigration4Sql = R\"sql(${migration_4})sql\";\n"
                    "const std::string_view kMigration5Sql = R\"sql(${migration_5})sql\";\n\n"
                    "}  // namespace cmkd::results\n")
