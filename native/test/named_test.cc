// Files with names: whoever dies at whatever step, a name leads to a whole file or to none, what somebody uses stays, what
// nobody uses makes way, and the next one who comes has what it wants.
#include "test/named_test.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <string>

#include "core/fault_point.h"
#include "core/named_file.h"
#include "test/traffic.h"

namespace forkful::test {
namespace {

using Content = std::array<uint64_t, 64>;  // whole: all the same number

// Of this run: others may run at the same time.
std::string new_name() {
  static int made = 0;
  return "test-" + std::to_string(getpid()) + "-fault" + std::to_string(made++);
}

int make(const std::string& file, uint64_t number) {
  return create_named_file(file, [number](int fd) {
    for (size_t i = 0; i < Content{}.size(); i++) {
      if (write(fd, &number, sizeof number) != sizeof number) return -errno;
    }
    return 0;
  });
}

uint64_t number_in(int fd) {
  Content content;
  CHECK(pread(fd, content.data(), sizeof content, 0) == sizeof content);
  for (const uint64_t one : content) CHECK(one == content[0]);
  return content[0];
}

bool exists(const std::string& file) {
  return access((named_files_directory() + "/" + file).c_str(), F_OK) == 0;
}

// A child that gets the signal at its nth pass of the point.
pid_t start_faulty(FaultPlan* plan, FaultPoint point, int pass, int signal, const std::function<void()>& act) {
  plan->faults[0].point = static_cast<uint32_t>(point);
  plan->faults[0].passes_left = pass;
  plan->faults[0].signal = signal;
  plan->faults[0].roles = 1;
  return start([&] {
    fault_role = 1;
    fault_plan = plan;
    act();
  });
}

void leave_orphan(const std::string& file, uint64_t number) {
  const int fd = make(file, number);
  CHECK(fd >= 0);
  close(fd);
}

enum class Scene { kOrphan, kInUse, kFree };

// All that can be done to a name, in one life.
void live(const std::string& file) {
  const auto use_or_make = [&] {
    const int fd = make(file, 2);
    return fd == -EEXIST ? open_named_file(file) : fd;
  };
  int fd = use_or_make();
  CHECK(fd >= 0);
  const int again = open_named_file(file);
  CHECK(again >= 0 && number_in(again) == number_in(fd));
  close(again);
  close(fd);
  remove_unused_file(file);
  fd = use_or_make();
  CHECK(fd >= 0);
  give_up_file(fd, file);
  close(fd);
  remove_unused_files();
  fd = use_or_make();
  CHECK(fd >= 0 && remove_named_file(file, [](int candidate) { return number_in(candidate) == 2; }) == 0);
  close(fd);
}

bool death_at(FaultPoint point, int pass, Scene scene) {
  auto* plan = share<FaultPlan>();
  const std::string file = new_name();
  if (scene == Scene::kOrphan) leave_orphan(file, 1);
  // Its user is a process of its own: descriptors that a child inherits are uses too.
  const pid_t victim = start_faulty(plan, point, pass, SIGKILL, [&] {
    if (scene != Scene::kInUse) return live(file);
    Fault& fault = fault_plan->faults[0];
    const int32_t passes = fault.passes_left.exchange(0);
    const int user = make(file, 1);
    CHECK(user >= 0);
    fault.passes_left = passes;
    live(file);
  });
  int status;
  CHECK(waitpid(victim, &status, 0) == victim);
  const bool died = WIFSIGNALED(status);
  CHECK(died ? WTERMSIG(status) == SIGKILL : status == 0);

  // What has the name is whole.
  const int left = open_named_file(file);
  CHECK(left >= 0 || left == -ENOENT);
  if (left >= 0) {
    CHECK(number_in(left) == 1 || number_in(left) == 2);
    close(left);
  }
  // It is nobody's now, and makes way.
  const int next = make(file, 3);
  CHECK(next >= 0 && number_in(next) == 3);
  const int other = open_named_file(file);
  CHECK(other >= 0 && number_in(other) == 3);
  CHECK(make(file, 4) == -EEXIST);
  close(other);
  close(next);
  remove_unused_file(file);
  CHECK(!exists(file) && open_named_file(file) == -ENOENT);
  munmap(plan, sizeof *plan);
  return died;
}

// Whoever is killed at any step of using a name takes it from nobody.
bool death_beside_user(FaultPoint point, int pass) {
  auto* plan = share<FaultPlan>();
  const std::string file = new_name();
  int ready[2];
  CHECK(pipe(ready) == 0);
  const pid_t user = start([&] {
    const int fd = make(file, 1);
    CHECK(fd >= 0 && write(ready[1], "", 1) == 1);
    for (;;) pause();
  });
  char byte;
  CHECK(read(ready[0], &byte, 1) == 1);
  for (const int end : ready) close(end);
  const pid_t victim = start_faulty(plan, point, pass, SIGKILL, [&] {
    CHECK(make(file, 2) == -EEXIST);
    const int fd = open_named_file(file);
    CHECK(fd >= 0 && number_in(fd) == 1);
    remove_unused_files();
    CHECK(remove_named_file(file, [](int candidate) { return number_in(candidate) == 2; }) == 0);
    give_up_file(fd, file);
    close(fd);
    remove_unused_file(file);
  });
  int status;
  CHECK(waitpid(victim, &status, 0) == victim);
  const int fd = open_named_file(file);
  CHECK(fd >= 0 && number_in(fd) == 1 && make(file, 3) == -EEXIST);
  close(fd);
  end(user);
  remove_unused_files();
  CHECK(!exists(file));
  munmap(plan, sizeof *plan);
  return WIFSIGNALED(status);
}

}  // namespace

void name_fault_points() {
  uint32_t deaths = 0;
  for (uint32_t i = kFirstOfName; i < kFaultPoints; i++) {
    const auto point = static_cast<FaultPoint>(i);
    uint32_t here = 0;
    for (const int pass : {1, 2, 3, 4}) {
      for (const Scene scene : {Scene::kOrphan, Scene::kInUse, Scene::kFree}) here += death_at(point, pass, scene);
      here += death_beside_user(point, pass);
    }
    if (here == 0) std::fprintf(stderr, "nobody was killed at the fault point %s\n", kFaultPointNames[i]);
    CHECK(here > 0);
    deaths += here;
  }
  std::printf("name fault points: %u, deaths: %u\n", kFaultPoints - kFirstOfName, deaths);
}

// Somebody is stopped while it removes what nobody uses. Who wants the name meanwhile must not believe that it is in use:
// it would find the messages of the dead when the other one is gone.
void names_and_the_stopped() {
  for (const FaultPoint point : {FaultPoint::name_found, FaultPoint::name_locked, FaultPoint::name_proved_unused,
                                 FaultPoint::name_taken_away}) {
    auto* plan = share<FaultPlan>();
    const std::string file = new_name();
    leave_orphan(file, 1);
    const pid_t remover = start_faulty(plan, point, 1, SIGSTOP, [&] { remove_unused_file(file); });
    int status;
    CHECK(waitpid(remover, &status, WUNTRACED) == remover && WIFSTOPPED(status));
    const pid_t maker = start([&] {
      const int fd = make(file, 2);
      CHECK(fd >= 0 && number_in(fd) == 2);
      const int again = open_named_file(file);
      CHECK(again >= 0 && number_in(again) == 2);
    });
    usleep(20'000);
    end(remover);
    CHECK(waitpid(maker, &status, 0) == maker && WIFEXITED(status) && WEXITSTATUS(status) == 0);

    // For as long as it is stopped the answer is neither "in use" nor a wait without end.
    leave_orphan(file, 1);
    const pid_t again = start_faulty(plan, point, 1, SIGSTOP, [&] { remove_unused_file(file); });
    CHECK(waitpid(again, &status, WUNTRACED) == again && WIFSTOPPED(status));
    const int fd = make(file, 3);
    CHECK(fd >= 0 || fd == -EBUSY);
    if (fd >= 0) close(fd);
    end(again);
    remove_unused_file(file);
    CHECK(!exists(file));
    munmap(plan, sizeof *plan);
  }
}

}  // namespace forkful::test
