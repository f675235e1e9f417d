#include "core/forkserver.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
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

// Without requests for so long it is time to fork a spare: later than the child of the last start needs the processor.
constexpr int kIdleMs = 5;

// So many children at once are not kept waiting for preparations that would pay for more of them.
constexpr uint32_t kMostUnprepared = 2;

// Children that somebody kills before they are given anything, for one start.
constexpr int kMostTries = 3;

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
  const ssize_t sent = send_with_descriptors(socket, &message, control.bytes, descriptors);
  if (sent < 0) return errno == ECONNRESET ? -EPIPE : -errno;  // gone, and it had left something unread
  return 0;
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
  collect_descriptors(&message, &out->descriptors);
  out->truncated = (message.msg_flags & MSG_CTRUNC) != 0;
  return 1;
}

int await_birth(int control, const struct sigaction& interrupt, Birth* out) {
  Received request{};
  int result;
  while ((result = receive_packet(control, &request)) == -EAGAIN) readable(control, INFINITY);
  if (result <= 0) return result;
  const int32_t flags = request.packet.a;
  const bool detached = (flags & kDetached) != 0;
  const std::vector<int>& descriptors = request.descriptors;
  size_t next = 0;
  for (int i = 0; i < 3; i++) next += (flags >> i & 1) == 0 ? 1 : 0;
  if (request.truncated || descriptors.size() != next + kLinkDescriptors + (detached ? 1 : 2)) return -EPROTO;
  const auto link = descriptors.begin() + static_cast<long>(next);
  out->link.assign(link, link + kLinkDescriptors);
  if (!detached) out->life = descriptors[next + kLinkDescriptors];
  out->gate = descriptors.back();
  next = 0;
  for (int i = 0; i < 3; i++) {
    const bool is_null = (flags >> i & 1) != 0;
    const int source = is_null ? open("/dev/null", O_RDWR | O_CLOEXEC) : descriptors[next++];
    if (source < 0) continue;
    dup2(source, i);
    close(source);
  }
  if (detached) setsid();
  sigaction(SIGINT, &interrupt, nullptr);
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

// true in the child.
bool Forkserver::fork_spare(const std::vector<int>& close_in_child, Newborn* newborn, int* error) {
  wants_spare_ = false;
  int control[2];
  *error = -make_socket_pair(control);
  if (*error != 0) return false;
  ForkRequest request;
  request.close = own_;
  request.close.insert(request.close.end(), close_in_child.begin(), close_in_child.end());
  request.close.push_back(epoll_);
  request.close.push_back(control[0]);
  for (const auto& [socket, client] : clients_) request.close.push_back(socket);
  for (const auto& [pidfd, child] : children_) request.close.push_back(pidfd);
  request.keep = {control[1]};
  newborn->control = control[1];
  newborn->serial = serial_++;
  const pid_t pid = fork_process(request, &newborn->forked);
  if (pid == 0) return true;
  *error = pid < 0 ? errno : 0;
  close(control[1]);
  if (*error == 0) {
    // Nobody else reaps, so the number is still the child's.
    const int pidfd = open_process(pid);
    if (pidfd >= 0) {
      spare_ = {pid, pidfd, control[0]};
      watch(pidfd, EPOLLIN);
      return false;
    }
    *error = -pidfd;
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
  }
  close(control[0]);
  return false;
}

void Forkserver::discard_spare() {
  kill(spare_->pid, SIGKILL);
  waitpid(spare_->pid, nullptr, 0);
  close(spare_->pidfd);
  close(spare_->control);
  spare_.reset();
}

// The spare becomes the child that is asked for: 0, or an errno.
int Forkserver::give_birth(int client, const Received& request) {
  const int pidfd_for_client = fcntl(spare_->pidfd, F_DUPFD_CLOEXEC, 0);
  if (pidfd_for_client < 0) return errno;
  if (const int error = send_packet(spare_->control, request.packet, request.descriptors); error != 0) {
    close(pidfd_for_client);
    return -error;
  }
  children_[spare_->pidfd] = {spare_->pid, client, request.packet.id};
  answer(client, {Packet::kStarted, request.packet.id, spare_->pid, 0}, pidfd_for_client);
  add_client(spare_->control);
  spare_.reset();
  wants_spare_ = true;
  return 0;
}

// true in the child.
bool Forkserver::start_child(int client, const Received& request, Newborn* newborn) {
  int error = request.truncated ? EMFILE : 0;
  for (int tries = 0; tries < kMostTries; tries++) {
    if (error == 0 && !spare_ && fork_spare(request.descriptors, newborn, &error)) return true;
    if (error == 0) error = give_birth(client, request);
    if (error != EPIPE) break;
    discard_spare();  // somebody has killed it before it was anybody's child
    error = 0;
  }
  if (error != 0) answer(client, {Packet::kNotStarted, request.packet.id, error, 0});
  return false;
}

void Forkserver::child_ended(int pidfd) {
  if (spare_ && spare_->pidfd == pidfd) discard_spare();
  const auto found = children_.find(pidfd);
  if (found == children_.end()) return;
  const Child child = found->second;
  ExitStatus status{255, 0};
  if (reap(child.pid, &status) == 0) return;
  close(pidfd);
  children_.erase(found);
  if (child.client >= 0) answer(child.client, {Packet::kEnded, child.id, status.code, status.signal});
}

int fork_probe(const std::vector<int>& close_in_child, Probe* probe, Forked* forked) {
  inherit_heap();
  const pid_t pid = fork_process({close_in_child, {}}, forked);
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

std::string Forkserver::open(const Probe& probe, int probe_ms) {
  const std::string problem = probe_problem(probe, probe_ms);
  if (!problem.empty()) return problem;
  // Ctrl-C is for the program: the server outlives it as long as the program does.
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGINT, &ignore, &interrupt_);
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0) return std::string("epoll_create1: ") + strerror(errno);
  add_client(control_);
  return "";
}

Forkserver::Served Forkserver::serve(Newborn* newborn) {
  fflush(nullptr);  // or every child would print what is buffered
  inherit_heap();   // once: no JavaScript runs here that could map more
  for (;;) {
    if (!was_idle_ && serial_ >= kMostUnprepared) {
      was_idle_ = true;
      return Served::kIdle;
    }
    epoll_event events[64];
    const int count = epoll_wait(epoll_, events, 64, wants_spare_ || !was_idle_ ? kIdleMs : -1);
    if (count < 0 && errno != EINTR) return Served::kOver;
    if (count == 0 && !was_idle_) {
      was_idle_ = true;
      return Served::kIdle;
    }
    if (count == 0) {
      int error;  // then there is no spare, and the next start tells
      if (fork_spare({}, newborn, &error)) return Served::kNewborn;
    }
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
        if (fd == control_) return Served::kOver;
        remove_client(fd);
      } else if (received.packet.kind == Packet::kFork) {
        const bool is_newborn = start_child(fd, received, newborn);
        if (is_newborn) return Served::kNewborn;
        close_all(received.descriptors);
      } else if (received.packet.kind == Packet::kConnect && received.descriptors.size() == 1) {
        add_client(received.descriptors[0]);
      } else {
        close_all(received.descriptors);
      }
    }
  }
}

}  // namespace forkful
