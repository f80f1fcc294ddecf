# cmake -DFOLDER=reports -DOUT=report_assets.cpp -P embed_assets.cmake: style sheets and script as literals of the program.
file(READ "${FOLDER}/svg/chart.css" chart_css)
file(READ "${FOLDER}/html/page.css" page_css)
file(READ "${FOLDER}/html/page.js" page_js)
file(WRITE "${OUT}" "#include <string_view>\n\n"
                    "namespace cmkd::reports {\n\n"
                    "std::string_view chart_style();\n"
                    "std::string_view page_style();\n"
                    "std::string_view page_script();\n"
                    "std::string_view chart_style() { return R\"asset(${chart_css})asset\"; }\n"
                    "std::string_view page_style() { return R\"asset(${page_css})asset\"; }\n"
                    "std::string_view page_script() { return R\"asset(${page_js})asset\"; }\n\n"
                    "}  // namespace cmkd::reports\n")
