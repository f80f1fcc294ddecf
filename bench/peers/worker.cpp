#include "worker.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <exception>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace cmkd::peers {

using nlohmann::json;

std::int64_t page_faults() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

void Stopwatch::read_into(json& answer) const {
  answer["seconds"] = steady_seconds() - begin_;
  answer["cpu"] = processor_seconds() - processor_;
  answer["faults"] = page_faults() - faults_;
}

void write_npy(const std::string& path, const std::string& type, const std::vector<std::int64_t>& shape,
               std::span<const std::byte> bytes) {
  std::string sizes;
  for (const std::int64_t size : shape) sizes += fmt::format("{}, ", size);
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", type, sizes);
  constexpr std::size_t kPreamble = 10;
  header.append(63 - (kPreamble + header.size()) % 64, ' ');
  header += '\n';
  std::ofstream file(path, std::ios::binary);
  file << std::string("\x93NUMPY\x01\x00", 8) << static_cast<char>(header.size() & 255U)
       << static_cast<char>(header.size() >> 8U) << header;
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

int serve(const std::function<json(const json& request)>& answer_to) {
  for (std::string line; std::getline(std::cin, line);) {
    json answer;
    try {
      answer = answer_to(json::parse(line));
    } catch (const std::exception& error) {
      answer = {{"error", error.what()}};
    }
    std::cout << answer.dump(-1, ' ', false, json::error_handler_t::replace) << std::endl;
  }
  return 0;
}

}  // namespace cmkd::peers
