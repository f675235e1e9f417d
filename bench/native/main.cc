// limits                                            lists what can be measured: a name and its unit on each line
// limits NAME [free|same|cross|spinning CPU CPU]    measures it once and prints the number
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "bench.h"

namespace {

template <size_t N>
void append(std::vector<Limit>& all, const Limit (&some)[N]) {
  all.insert(all.end(), some, some + N);
}

Placement placement_named(const char* name) {
  if (strcmp(name, "free") == 0) return Placement::kFree;
  if (strcmp(name, "same") == 0) return Placement::kSame;
  if (strcmp(name, "cross") == 0) return Placement::kCross;
  if (strcmp(name, "spinning") == 0) return Placement::kSpinning;
  fprintf(stderr, "expected the placement free, same, cross or spinning, got %s\n", name);
  exit(2);
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<Limit> all;
  append(all, wake_limits);
  append(all, copy_limits);
  append(all, ring_limits);
  append(all, system_limits);
  if (argc == 1) {
    for (const Limit& limit : all) printf("%s %s\n", limit.name, limit.unit);
    return 0;
  }
  if (argc >= 3) cpus.placement = placement_named(argv[2]);
  if (argc >= 5) {
    cpus.first = atoi(argv[3]);
    cpus.second = atoi(argv[4]);
  }
  for (const Limit& limit : all) {
    if (strcmp(limit.name, argv[1]) != 0) continue;
    printf("%.6g\n", limit.measure());
    return 0;
  }
  fprintf(stderr, "expected the name of a limit (run without arguments for a list), got %s\n", argv[1]);
  return 2;
}
