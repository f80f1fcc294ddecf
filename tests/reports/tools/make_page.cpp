// make_report_page OUT.html [--store FILE [SUITE] | --datasets N --methods N --seeds N --epochs N --clips N --classes N
// --both-directions --all FOLDER (other formats, pictures)]: the HTML report of a store, by default of a synthetic one
// made for it. For the browser's test, for screenshots and for measuring.
#include <fmt/format.h>

#include <chrono>
#include <cstring>
#include <exception>
#include <map>
#include <string>

#include "cmkd/core/file.h"
#include "cmkd/reports/page.h"
#include "cmkd/reports/plots.h"
#include "cmkd/reports/stored.h"
#include "synthetic_store.h"

namespace {

using namespace cmkd;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

results::Store store_of(const std::filesystem::path& out, const std::map<std::string, std::string>& options,
                        bool both) {
  if (options.contains("--store")) return results::Store::open(options.at("--store"), results::OpenMode::kReadOnly);
  reports::fixture::SyntheticOptions synthetic;
  synthetic.both_directions = both;
  const auto take = [&](const char* name, std::int64_t& value) {
    if (options.contains(name)) value = std::stoll(options.at(name));
  };
  take("--datasets", synthetic.datasets);
  take("--methods", synthetic.methods);
  take("--seeds", synthetic.seeds);
  take("--epochs", synthetic.epochs);
  take("--clips", synthetic.clips);
  take("--classes", synthetic.classes);
  const std::filesystem::path path = out.parent_path() / "results.db";
  if (std::filesystem::exists(path)) return results::Store::open(path, results::OpenMode::kReadOnly);
  return reports::fixture::make_store(path, synthetic);
}

int make_page(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: make_report_page OUT.html [--store FILE] [--suite NAME] [--datasets N] …\n");
    return 4;
  }
  const std::filesystem::path out = std::filesystem::absolute(argv[1]);
  std::filesystem::create_directories(out.parent_path());
  std::map<std::string, std::string> options;
  bool both = false;
  for (int i = 2; i < argc; ++i) {
    if (std::strcmp(argv[i], "--both-directions") == 0) {
      both = true;
    } else if (i + 1 < argc) {
      options[argv[i]] = argv[i + 1];
      ++i;
    }
  }
  const results::Store store = store_of(out, options, both);
  const std::string suite = options.contains("--suite") ? options.at("--suite") : store.suites().front().suite;
  const auto start = std::chrono::steady_clock::now();
  const reports::Leaderboard board = reports::stored_leaderboard(store, suite).board;
  const double built = seconds_since(start);
  reports::PageOptions page;
  page.name = out.filename().string();
  const std::string text = reports::render_page(
      board, reports::Details(store), page,
      [&](const std::string& name, const std::string& part) { write_file_atomically(out.parent_path() / name, part); });
  write_file_atomically(out, text);
  if (options.contains("--all")) {
    const std::filesystem::path folder = options.at("--all");
    for (const reports::PlotFile& plot : reports::plots_of(board)) write_file_atomically(folder / plot.name, plot.svg);
    write_file_atomically(folder / "board.json", reports::render_json(board));
    write_file_atomically(folder / "board.tex", reports::render_latex(board));
  }
  fmt::print("{}: board {:.2f} s, page {:.2f} s, {} KiB\n", out.string(), built, seconds_since(start) - built,
             text.size() / 1024);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return make_page(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
