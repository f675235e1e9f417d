#pragma once
#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/fork.h"

namespace forkful {

// What a forkserver and its clients say to each other: one packet for each message on a SOCK_SEQPACKET socket, with
// descriptors where noted. Mirrored in lib/backend/native/forkserver/protocol.ts.
struct Packet {
  enum Kind : uint32_t {
    kFork = 1,        // to the server. a: flags; with standard streams, link, life pipe, gate
    kConnect = 2,     // to the server. With the server's end of another client's socket
    kReady = 3,       // the first answer to a client
    kFailed = 4,      // the server cannot serve: text, then it ends
    kStarted = 5,     // a: pid; with a pidfd
    kNotStarted = 6,  // a: errno
    kEnded = 7,       // a: exit code, or -1; b: signal, or 0
  };
  uint32_t kind;
  uint32_t id;  // of the request
  int32_t a, b;
};

enum ForkFlags : int32_t {
  kNullStandard = 7,  // bit i: /dev/null for descriptor i, which is not sent then
  kDetached = 8,      // a session of its own, and no life pipe
};

// Number of descriptors of a child's link.
constexpr size_t kLinkDescriptors = 4;
constexpr size_t kMostText = 4000;

// 0 or -errno; never blocks (-EAGAIN).
int send_packet(int socket, const Packet& packet, const std::vector<int>& descriptors, const std::string& text = "");

struct Received {
  Packet packet;
  std::string text;
  std::vector<int> descriptors;
  bool truncated;  // descriptors are missing: there were no numbers free for them
};
// 1, or 0 if the peer is gone, or -errno (-EAGAIN: nothing there).
int receive_packet(int socket, Received* out);

// A child that was forked ahead, or is just now, and waits for its birth.
struct Newborn {
  Forked forked;
  int control = -1;     // a connection of its own to the server
  uint32_t serial = 0;  // how many were forked before it
};

// What a child is given.
struct Birth {
  std::vector<int> link;
  int life = -1;  // -1 if detached
  int gate = -1;  // to be closed when the orders on the link are taken
};
// In a newborn: waits for what it is given, and makes it this process's own: standard streams, session, and the
// disposition of SIGINT. 1; 0 if the server is gone; -errno.
int await_birth(int control, const struct sigaction& interrupt, Birth* out);

// A child that does what children must be able to: if it hangs, so would they.
struct Probe {
  pid_t pid;
  int pidfd;
};
// Like fork_process: 0 in the child, whose signals are blocked; 1 in the parent; -errno.
int fork_probe(const std::vector<int>& close, Probe* probe, Forked* forked);

// A single thread that waits for requests and forks. Never runs JavaScript, except in the children.
//
// When it has nothing to do it forks a spare: a child that sets itself up and waits. A start then takes a message to the
// spare, and neither the fork nor the page faults that follow it.
class Forkserver {
 public:
  // `control`: the connection whose end is the server's. `own`: more descriptors that are no child's business.
  Forkserver(int control, std::vector<int> own) : control_(control), own_(std::move(own)) {}

  // Waits until the probe has ended, at most `probe_ms`. '' or a problem, also if the probe did not exit with 0.
  std::string open(const Probe& probe, int probe_ms);

  // The first call returns kIdle when there is time to prepare for more, and that pays: children may follow.
  enum class Served { kNewborn, kIdle, kOver };
  Served serve(Newborn* newborn);

  // The disposition of SIGINT that children are to have; the server, and what waits for its birth, ignores it.
  const struct sigaction& interrupt() const { return interrupt_; }

 private:
  struct Outgoing {
    Packet packet;
    std::vector<int> descriptors;  // owned
  };
  struct Client {
    std::deque<Outgoing> backlog;
  };
  struct Child {
    pid_t pid;
    int client;  // -1 if gone
    uint32_t id;
  };

  struct Spare {
    pid_t pid;
    int pidfd;
    int control;
  };

  bool start_child(int client, const Received& request, Newborn* newborn);
  int give_birth(int client, const Received& request);
  bool fork_spare(const std::vector<int>& close_in_child, Newborn* newborn, int* error);
  void discard_spare();
  void add_client(int socket);
  void remove_client(int socket);
  void watch(int fd, uint32_t events);
  void answer(int client, const Packet& packet, int descriptor = -1);
  void flush(int client);
  void child_ended(int pidfd);

  int control_;
  std::vector<int> own_;
  int epoll_ = -1;
  struct sigaction interrupt_ {};
  std::map<int, Client> clients_;
  std::map<int, Child> children_;  // by pidfd
  std::optional<Spare> spare_;
  bool wants_spare_ = false;
  bool was_idle_ = false;
  uint32_t serial_ = 0;
};

}  // namespace forkful
