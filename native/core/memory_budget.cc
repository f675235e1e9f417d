#include "core/memory_budget.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>

namespace forkful {
namespace {

std::string read_file(const std::string& path) {
  std::string text;
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return text;
  char chunk[4096];
  for (ssize_t n; (n = read(fd, chunk, sizeof chunk)) > 0;) text.append(chunk, static_cast<size_t>(n));
  close(fd);
  return text;
}

// The number behind `key` at the start of a line, as in /proc/meminfo and memory.stat; -1 if absent.
int64_t field(const std::string& text, const char* key) {
  const size_t length = strlen(key);
  for (size_t at = 0; at < text.size();) {
    if (text.compare(at, length, key) == 0) return strtoll(text.c_str() + at + length, nullptr, 10);
    const size_t line_end = text.find('\n', at);
    if (line_end == std::string::npos) break;
    at = line_end + 1;
  }
  return -1;
}

int64_t number(const std::string& text) {
  if (text.empty() || text[0] < '0' || text[0] > '9') return -1;  // "max", or no such file
  return strtoll(text.c_str(), nullptr, 10);
}

struct CgroupFiles {
  const char* limit;
  const char* usage;
  const char* reclaimable;
};

// Walks from the process's group up to the mount's root: any ancestor may hold the tightest limit. Inside a container
// the path may name a group that is not visible; then only the root of the mount is.
int64_t cgroup_room(const std::string& mount, std::string path, const CgroupFiles& files) {
  int64_t room = INT64_MAX;
  for (;;) {
    const std::string directory = mount + (path == "/" ? "" : path) + "/";
    const int64_t limit = number(read_file(directory + files.limit));
    if (limit >= 0 && limit < (int64_t{1} << 60)) {
      const int64_t usage = number(read_file(directory + files.usage));
      const int64_t reclaimable = field(read_file(directory + "memory.stat"), files.reclaimable);
      if (usage >= 0) room = std::min(room, limit - usage + std::max<int64_t>(reclaimable, 0));
    }
    if (path.empty() || path == "/") return room;
    const size_t slash = path.rfind('/');
    path = slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
  }
}

}  // namespace

int64_t available_memory() {
  int64_t available = INT64_MAX;
  const int64_t machine_kib = field(read_file("/proc/meminfo"), "MemAvailable:");
  if (machine_kib >= 0) available = machine_kib * 1024;

  const std::string groups = read_file("/proc/self/cgroup");  // lines of "id:controllers:path"
  for (size_t at = 0; at < groups.size();) {
    size_t end = groups.find('\n', at);
    if (end == std::string::npos) end = groups.size();
    const std::string line = groups.substr(at, end - at);
    at = end + 1;
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const std::string path = line.substr(second + 1);
    if (controllers == ",,") {
      available = std::min(available, cgroup_room("/sys/fs/cgroup", path,
                                                  {"memory.max", "memory.current", "inactive_file "}));
    } else if (controllers.find(",memory,") != std::string::npos) {
      available = std::min(
          available, cgroup_room("/sys/fs/cgroup/memory", path,
                                 {"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file "}));
    }
  }
  return available;
}

uint64_t spare_memory() {
  constexpr int64_t kLeftToOthers = int64_t{32} << 20;
  return static_cast<uint64_t>(std::max<int64_t>(available_memory() - kLeftToOthers, 0));
}

bool memory_allows(uint64_t bytes) { return bytes <= spare_memory(); }

}  // namespace forkful
