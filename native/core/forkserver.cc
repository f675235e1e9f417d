#include "core/forkserver.h"

#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "core/descriptors.h"
#include "core/process.h"

namespace forkful {
namespace {

// Standard streams, link, life pipe, gate.
constexpr size_t kMostRequestDescriptors = 3 + kLinkDescriptors + 2;

union ControlBuffer {
  cmsghdr header;
  char bytes[CMSG_SPACE(sizeof(int) * kMostRequestDescriptors)];
};

void close_all(const std::vector<int>& descriptors) {
  for (const int fd : descriptors) close(fd);
}

}  // namespace

int send_packet(int socket, const Packet& packet, const std::vector<int>& descriptors, const std::string& text) {
  if (descriptors.size() > kMostRequestDescriptors) return -E2BIG;
  iovec data[2] = {{const_cast<Packet*>(&packet), sizeof packet},
                   {const_cast<char*>(text.data()), std::min(text.size(), kMostText)}};
  ControlBuffer control{};
  msghdr message{};
  message.msg_iov = data;
  message.msg_iovlen = 2;
  if (!descriptors.empty()) {
    const size_t bytes = sizeof(int) * descriptors.size();
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(bytes);
    cmsghdr* part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(bytes);
    memcpy(CMSG_DATA(part), descriptors.data(), bytes);
  }
  ssize_t sent;
  do sent = sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  while (sent < 0 && errno == EINTR);
  return sent < 0 ? -errno : 0;
}

int receive_packet(int socket, Received* out) {
  char text[kMostText];
  iovec data[2] = {{&out->packet, sizeof out->packet}, {text, sizeof text}};
  ControlBuffer control{};
  msghdr message{};
  message.msg_iov = data;
  message.msg_iovlen = 2;
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof control.bytes;
  ssize_t received;
  // ECONNRESET tells once that the peer left something unread; what it said before that comes next.
  do received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  while (received < 0 && (errno == EINTR || errno == ECONNRESET));
  if (received < 0) return -errno;
  if (received < static_cast<ssize_t>(sizeof(Packet))) return 0;
  out->text.assign(text, static_cast<size_t>(received) - sizeof(Packet));
  out->descriptors.clear();
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    const size_t before = out->descriptors.size();
    out->descriptors.resize(before + count);
    memcpy(out->descriptors.data() + before, CMSG_DATA(part), count * sizeof(int));
  }
  out->truncated = (message.msg_flags & MSG_CTRUNC) != 0;
  return 1;
}

void Forkserver::watch(int fd, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event);
}

void Forkserver::add_client(int socket) {
  clients_[socket];
  watch(socket, EPOLLIN);
  answer(socket, {Packet::kReady, 0, 0, 0});
}

void Forkserver::remove_client(int socket) {
  for (const Outgoing& waiting : clients_[socket].backlog) close_all(waiting.descriptors);
  clients_.erase(socket);
  for (auto& [pidfd, child] : children_) {
    if (child.client == socket) child.client = -1;
  }
  close(socket);
}

// In order, and without ever waiting for a client that does not read.
void Forkserver::answer(int client, const Packet& packet, int descriptor) {
  Client& to = clients_[client];
  Outgoing outgoing{packet, {}};
  if (descriptor >= 0) outgoing.descriptors.push_back(descriptor);
  to.backlog.push_back(std::move(outgoing));
  flush(client);
}

void Forkserver::flush(int client) {
  auto& backlog = clients_[client].backlog;
  while (!backlog.empty()) {
    const int result = send_packet(client, backlog.front().packet, backlog.front().descriptors);
    if (result == -EAGAIN) {
      watch(client, EPOLLIN | EPOLLOUT);
      return;
    }
    close_all(backlog.front().descriptors);  // a client that is gone is noticed when it is read from
    backlog.pop_front();
  }
  watch(client, EPOLLIN);
}

ForkRequest Forkserver::fork_request() const {
  ForkRequest request{};
  request.close = own_;
  request.close.push_back(epoll_);
  for (const auto& [socket, client] : clients_) request.close.push_back(socket);
  for (const auto& [pidfd, child] : children_) request.close.push_back(pidfd);
  for (int& fd : request.standard) fd = -1;
  request.interrupt = interrupt_;
  return request;
}

// true in the child.
bool Forkserver::fork_child(int client, Received& received, Birth* birth) {
  const uint32_t id = received.packet.id;
  const int32_t flags = received.packet.a;
  std::vector<int>& descriptors = received.descriptors;
  const bool detached = (flags & kDetached) != 0;
  size_t expected = kLinkDescriptors + (detached ? 1 : 2);
  for (int i = 0; i < 3; i++) expected += (flags >> i & 1) == 0 ? 1 : 0;
  int control[2] = {-1, -1};
  int error = 0;
  if (received.truncated || descriptors.size() != expected) {
    error = received.truncated ? EMFILE : EPROTO;
  } else {
    error = -make_socket_pair(control);
  }
  if (error != 0) {
    close_all(descriptors);
    answer(client, {Packet::kNotStarted, id, error, 0});
    return false;
  }
  ForkRequest request = fork_request();
  request.close.push_back(control[0]);
  request.new_session = detached;
  size_t next = 0;
  for (int i = 0; i < 3; i++) request.standard[i] = (flags >> i & 1) != 0 ? -1 : descriptors[next++];
  birth->link.assign(descriptors.begin() + static_cast<long>(next),
                     descriptors.begin() + static_cast<long>(next + kLinkDescriptors));
  birth->life = detached ? -1 : descriptors[next + kLinkDescriptors];
  birth->gate = descriptors.back();
  birth->control = control[1];
  birth->serial = serial_++;
  request.keep = {birth->link.back(), birth->control};

  const pid_t pid = fork_process(request, &birth->mask);
  if (pid == 0) {
    birth->dead_sockets = request.dead_sockets;
    return true;
  }
  error = pid < 0 ? errno : 0;
  close_all(descriptors);
  close(control[1]);
  int pidfd = -1;
  if (error == 0) {
    // Nobody else reaps, so the number is still the child's.
    pidfd = open_process(pid);
    const int for_client = pidfd < 0 ? -1 : dup(pidfd);
    if (for_client < 0) {
      error = pidfd < 0 ? -pidfd : errno;
      kill(pid, SIGKILL);
      waitpid(pid, nullptr, 0);
      if (pidfd >= 0) close(pidfd);
    } else {
      answer(client, {Packet::kStarted, id, pid, 0}, for_client);
    }
  }
  if (error != 0) {
    close(control[0]);
    answer(client, {Packet::kNotStarted, id, error, 0});
    return false;
  }
  children_[pidfd] = {pid, client, id};
  watch(pidfd, EPOLLIN);
  add_client(control[0]);
  return false;
}

void Forkserver::child_ended(int pidfd) {
  const auto found = children_.find(pidfd);
  if (found == children_.end()) return;
  const Child child = found->second;
  ExitStatus status{255, 0};
  if (reap(child.pid, &status) == 0) return;
  close(pidfd);
  children_.erase(found);
  if (child.client >= 0) answer(child.client, {Packet::kEnded, child.id, status.code, status.signal});
}

int fork_probe(const std::vector<int>& close_in_child, Probe* probe, sigset_t* mask) {
  inherit_heap();
  ForkRequest request{};
  request.close = close_in_child;
  request.standard[0] = -1;
  request.standard[1] = 1;
  request.standard[2] = 2;
  sigaction(SIGINT, nullptr, &request.interrupt);
  const pid_t pid = fork_process(request, mask);
  if (pid == 0) return 0;
  if (pid < 0) return -errno;
  *probe = {pid, open_process(pid)};
  return 1;
}

namespace {

std::string probe_problem(const Probe& probe, int milliseconds) {
  pollfd ended{probe.pidfd, POLLIN, 0};
  int ready;
  do ready = poll(&ended, 1, milliseconds);
  while (ready < 0 && errno == EINTR);
  if (ready == 0) kill(probe.pid, SIGKILL);
  int status = 0;
  while (waitpid(probe.pid, &status, 0) < 0 && errno == EINTR) {
  }
  close(probe.pidfd);
  if (ready == 0) return "a forked probe did not get through garbage collection, file system and WebAssembly in time";
  if (WIFSIGNALED(status)) return "a forked probe ended by signal " + std::to_string(WTERMSIG(status));
  if (WEXITSTATUS(status) == 0) return "";
  return "a forked probe ended with exit code " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

bool Forkserver::serve(const Probe& probe, int probe_ms, Birth* birth, std::string* problem) {
  *problem = probe_problem(probe, probe_ms);
  if (!problem->empty()) return false;
  fflush(nullptr);  // or every child would print what is buffered
  inherit_heap();   // once: no JavaScript runs here that could map more
  // Ctrl-C is for the program: the server outlives it as long as the program does.
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGINT, &ignore, &interrupt_);
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0) {
    *problem = std::string("epoll_create1: ") + strerror(errno);
    return false;
  }

  add_client(control_);
  for (;;) {
    epoll_event events[64];
    const int count = epoll_wait(epoll_, events, 64, -1);
    if (count < 0 && errno != EINTR) return false;
    for (int i = 0; i < count; i++) {
      const int fd = events[i].data.fd;
      if (clients_.find(fd) == clients_.end()) {
        child_ended(fd);
        continue;
      }
      if ((events[i].events & EPOLLOUT) != 0) flush(fd);
      if ((events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0) continue;
      Received received{};
      const int result = receive_packet(fd, &received);
      if (result == -EAGAIN) continue;
      if (result <= 0) {
        if (fd == control_) return false;
        remove_client(fd);
      } else if (received.packet.kind == Packet::kFork) {
        if (fork_child(fd, received, birth)) return true;
      } else if (received.packet.kind == Packet::kConnect && received.descriptors.size() == 1) {
        add_client(received.descriptors[0]);
      } else {
        close_all(received.descriptors);
      }
    }
  }
}

}  // namespace forkful
