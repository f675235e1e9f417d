// For compilers without libFuzzer: changes inputs at random, blindly, for the seconds of its first argument, from the seed
// of its second. What kills it is left in the file of its third.
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <random>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

void write_input(const char* path, const std::vector<uint8_t>& input) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(input.data()), static_cast<std::streamsize>(input.size()));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const std::time_t end = std::time(nullptr) + std::atoi(argv[1]);
  std::minstd_rand random(static_cast<unsigned>(std::atoi(argv[2])));
  std::vector<std::vector<uint8_t>> kept(64);
  unsigned long runs = 0;
  for (; std::time(nullptr) < end; runs++) {
    std::vector<uint8_t> input = kept[random() % kept.size()];
    for (uint32_t changes = 1 + random() % 8; changes > 0; changes--) {
      const auto byte = static_cast<uint8_t>(random() % 2 == 0 ? random() % 16 : random() >> 8);
      const auto at = input.begin() + static_cast<std::ptrdiff_t>(input.empty() ? 0 : random() % input.size());
      if (input.size() < 300 && (input.empty() || random() % 3 != 0)) {
        input.insert(at, byte);
      } else if (random() % 2 == 0) {
        *at = byte;
      } else {
        input.erase(at);
      }
    }
    write_input(argv[3], input);
    alarm(20);
    LLVMFuzzerTestOneInput(input.data(), input.size());
    kept[random() % kept.size()] = std::move(input);
  }
  alarm(0);
  std::remove(argv[3]);
  std::printf("Done %lu runs, without a look at what they cover\n", runs);
}
