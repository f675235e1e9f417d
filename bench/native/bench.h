#pragma once
#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>

// What the programs share: where processes run, memory between them, and clocks that stop a measurement.

enum class Placement {
  kFree,      // the scheduler decides
  kSame,      // both processes on one CPU
  kCross,     // each on its own, which it knows: who waits sleeps at once
  kSpinning,  // each on its own, but moved there late: who can spin before it sleeps does
};

// Placement of this run. `first` and `second` are CPUs that this process may use.
struct Cpus {
  Placement placement = Placement::kFree;
  int first = 0;
  int second = 0;
};
extern Cpus cpus;

// Processes ask once, early, whether they may use several CPUs; unless they shall spin they are pinned before that.
void pin_early();
void pin_first();   // the measuring process
void pin_second();  // the other one

// Zeroed memory that forked children share.
void* shared_memory(size_t bytes);

// A forked child on the second CPU that ends when its parent does.
pid_t start_child(const std::function<void()>& act);
void end_child(pid_t pid);

// Nanoseconds of one call, the median of samples over about a tenth of a second, after a warm-up.
double ns_each(int calls_per_sample, const std::function<void()>& act);

// Nanoseconds of one ping while a child serves for ever.
double round_trip_ns(const std::function<void()>& ping, const std::function<void()>& serve);

// How often a second `take` returns, by the count it reports, while a child produces for ever.
double taken_per_second(const std::function<uint64_t()>& take, const std::function<void()>& produce);

[[noreturn]] void fail(const char* what);
void check(bool fine, const char* what);

struct Limit {
  const char* name;
  const char* unit;
  double (*measure)();
};
extern const Limit wake_limits[6];
extern const Limit copy_limits[2];
extern const Limit ring_limits[6];
extern const Limit system_limits[4];
