#include "core/descriptors.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "core/deadline.h"

namespace forkful {

int make_event() {
  const int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return fd < 0 ? -errno : fd;
}

int make_socket_pair(int out[2]) {
  return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, out) < 0 ? -errno : 0;
}

int make_pipe(int out[2]) { return pipe2(out, O_CLOEXEC) < 0 ? -errno : 0; }

int close_on_exec(int fd) { return fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? -errno : 0; }

namespace {

union ControlBuffer {
  cmsghdr header;
  char bytes[CMSG_SPACE(sizeof(int) * kMaxDescriptors)];
};

}  // namespace

ssize_t send_with_descriptors(int socket, msghdr* message, void* control, const std::vector<int>& descriptors) {
  if (!descriptors.empty()) {
    const size_t bytes = sizeof(int) * descriptors.size();
    message->msg_control = control;
    message->msg_controllen = CMSG_SPACE(bytes);
    cmsghdr* part = CMSG_FIRSTHDR(message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(bytes);
    memcpy(CMSG_DATA(part), descriptors.data(), bytes);
  }
  ssize_t sent;
  do sent = sendmsg(socket, message, MSG_NOSIGNAL | MSG_DONTWAIT);
  while (sent < 0 && errno == EINTR);
  return sent;
}

void collect_descriptors(msghdr* message, std::vector<int>* out) {
  for (cmsghdr* part = CMSG_FIRSTHDR(message); part != nullptr; part = CMSG_NXTHDR(message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    const size_t before = out->size();
    out->resize(before + count);
    memcpy(out->data() + before, CMSG_DATA(part), count * sizeof(int));
  }
}

int send_descriptors(int socket, const std::vector<int>& descriptors) {
  if (descriptors.size() > kMaxDescriptors) return -E2BIG;
  char byte = 0;
  iovec data{&byte, 1};
  ControlBuffer control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  const ssize_t sent = send_with_descriptors(socket, &message, control.bytes, descriptors);
  return sent < 0 ? -errno : 0;
}

int receive_descriptors(int socket, int timeout_ms, std::vector<int>* out) {
  for (;;) {
    char byte;
    iovec data{&byte, 1};
    ControlBuffer control{};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    const ssize_t received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (received == 0) return -EPIPE;
    if (received > 0) {
      collect_descriptors(&message, out);
      return (message.msg_flags & MSG_CTRUNC) != 0 ? -EMFILE : 0;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return -errno;
    pollfd waited{socket, POLLIN, 0};
    const int ready = poll(&waited, 1, timeout_ms);
    if (ready == 0) return -ETIMEDOUT;
    if (ready < 0 && errno != EINTR) return -errno;
  }
}

int hung_up(int socket) {
  pollfd polled{socket, POLLRDHUP, 0};
  return poll(&polled, 1, 0) > 0 && (polled.revents & (POLLHUP | POLLRDHUP | POLLERR)) != 0 ? 1 : 0;
}

bool readable(int fd, double timeout_ms) {
  const Deadline deadline = Deadline::in_ms(timeout_ms);
  for (;;) {
    pollfd polled{fd, POLLIN, 0};
    const int ready = poll(&polled, 1, deadline.is_poll() ? 0 : deadline.left_ms());
    if (ready >= 0 || errno != EINTR) return ready > 0;
  }
}

int die_with_pipe(int read_end) {
  char path[32];
  snprintf(path, sizeof path, "/proc/self/fd/%d", read_end);
  const int own = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (own < 0) return -errno;
  if (fcntl(own, F_SETOWN, getpid()) != 0 || fcntl(own, F_SETSIG, SIGKILL) != 0 ||
      fcntl(own, F_SETFL, O_NONBLOCK | O_ASYNC) != 0) {
    const int error = errno;
    close(own);
    return -error;
  }
  // The parent may have died before the signal was set up.
  pollfd polled{own, POLLIN, 0};
  if (poll(&polled, 1, 0) > 0 && (polled.revents & POLLHUP) != 0) kill(getpid(), SIGKILL);
  return own;
}

}  // namespace forkful
