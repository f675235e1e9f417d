#include "bench.h"

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "core/deadline.h"

using forkful::monotonic_ns;

Cpus cpus;

namespace {

constexpr int64_t kWarmUpNs = 20'000'000;
constexpr int64_t kMeasureNs = 100'000'000;

void pin(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  check(sched_setaffinity(0, sizeof set, &set) == 0, "sched_setaffinity");
}

}  // namespace

void fail(const char* what) {
  perror(what);
  exit(1);
}

void check(bool fine, const char* what) {
  if (!fine) fail(what);
}

void pin_first() {
  if (cpus.placement != Placement::kFree) pin(cpus.first);
}

void pin_early() {
  if (cpus.placement != Placement::kSpinning) pin_first();
}

void pin_second() {
  if (cpus.placement == Placement::kFree) return;
  pin(cpus.placement == Placement::kSame ? cpus.first : cpus.second);
}

void* shared_memory(size_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  check(memory != MAP_FAILED, "mmap");
  return memory;
}

pid_t start_child(const std::function<void()>& act) {
  const pid_t parent = getpid();
  const pid_t pid = fork();
  check(pid >= 0, "fork");
  if (pid > 0) return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  pin_second();
  act();
  _exit(0);
}

void end_child(pid_t pid) {
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
}

double ns_each(int calls_per_sample, const std::function<void()>& act) {
  std::vector<double> samples;
  const int64_t begin = monotonic_ns();
  for (int64_t before = begin; before - begin < kWarmUpNs + kMeasureNs;) {
    for (int i = 0; i < calls_per_sample; i++) act();
    const int64_t after = monotonic_ns();
    if (before - begin >= kWarmUpNs) samples.push_back(static_cast<double>(after - before) / calls_per_sample);
    before = after;
  }
  check(!samples.empty(), "too slow to be measured");
  std::nth_element(samples.begin(), samples.begin() + samples.size() / 2, samples.end());
  return samples[samples.size() / 2];
}

double round_trip_ns(const std::function<void()>& ping, const std::function<void()>& serve) {
  const pid_t pid = start_child([&] {
    for (;;) serve();
  });
  pin_first();
  const double ns = ns_each(50, ping);
  end_child(pid);
  return ns;
}

double taken_per_second(const std::function<uint64_t()>& take, const std::function<void()>& produce) {
  const pid_t pid = start_child([&] {
    for (;;) produce();
  });
  pin_first();
  const int64_t begin = monotonic_ns();
  while (monotonic_ns() - begin < kWarmUpNs) take();
  const int64_t start = monotonic_ns();
  int64_t end;
  uint64_t count = 0;
  do {
    count += take();
    end = monotonic_ns();
  } while (end - start < kMeasureNs);
  end_child(pid);
  return static_cast<double>(count) / (static_cast<double>(end - start) / 1e9);
}
