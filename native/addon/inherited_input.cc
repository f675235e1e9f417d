#include "addon/inherited_input.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace forkful {
namespace {

struct Silence {
  int read_end = -1;
  bool covers_standard_input = false;
};

void replace(int source, int fd) { dup3(source, fd, fd > 2 ? O_CLOEXEC : 0); }

void silence(uv_handle_t* handle, void* data) {
  if ((handle->type != UV_TTY && handle->type != UV_NAMED_PIPE) || uv_is_active(handle) == 0) return;
  if (uv_is_readable(reinterpret_cast<uv_stream_t*>(handle)) == 0) return;
  int fd;
  struct stat status;
  if (uv_fileno(handle, &fd) != 0 || fstat(fd, &status) != 0 || S_ISSOCK(status.st_mode)) return;
  auto* silence = static_cast<Silence*>(data);
  if (silence->read_end < 0) {
    int pipe[2];
    if (pipe2(pipe, O_CLOEXEC | O_NONBLOCK) != 0) return;
    silence->read_end = pipe[0];  // the other end stays open for as long as this process lives
  }
  replace(silence->read_end, fd);
  if (fd == 0) silence->covers_standard_input = true;
}

// An event loop that has a handle for a pipe can watch nothing but what epoll takes: not /dev/null.
int empty_input() {
  struct stat status;
  if (fstat(0, &status) != 0 || !(S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode))) {
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
  }
  int pipe[2];
  if (pipe2(pipe, O_CLOEXEC) != 0) return -1;
  close(pipe[1]);
  return pipe[0];
}

}  // namespace

void part_from_input(uv_loop_t* loop) {
  Silence done;
  uv_walk(loop, silence, &done);
  if (done.read_end >= 0) close(done.read_end);
  if (done.covers_standard_input) return;
  const int input = empty_input();
  if (input < 0) return;
  replace(input, 0);
  if (input != 0) close(input);
}

}  // namespace forkful
