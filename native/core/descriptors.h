#pragma once
#include <sys/socket.h>

#include <cstddef>
#include <vector>

namespace forkful {

// All functions return 0 (or a count) on success and -errno on failure, and make close-on-exec descriptors.

int make_event();
int make_socket_pair(int out[2]);  // AF_UNIX, SOCK_SEQPACKET, non-blocking
int make_pipe(int out[2]);
int close_on_exec(int fd);

// The parts of sendmsg and recvmsg that descriptors need. `control` has room for them, CMSG_SPACE(sizeof(int) * count);
// sends without blocking and gives what sendmsg gives.
ssize_t send_with_descriptors(int socket, msghdr* message, void* control, const std::vector<int>& descriptors);
void collect_descriptors(msghdr* message, std::vector<int>* out);

// One message of at most kMaxDescriptors descriptors. Sending never blocks (-EAGAIN).
constexpr size_t kMaxDescriptors = 250;
int send_descriptors(int socket, const std::vector<int>& descriptors);
// Waits at most `timeout_ms` (-1: for ever) for one message. -EPIPE: the peer is gone.
int receive_descriptors(int socket, int timeout_ms, std::vector<int>* out);

// 1 if the peer of a socket is gone, 0 if not.
int hung_up(int socket);

// Whether a descriptor can be read from, or has hung up, within `timeout_ms`.
bool readable(int fd, double timeout_ms);

// Makes the kernel kill this process when all write ends of the pipe are gone, even while it is busy. `read_end` is an
// inherited descriptor: the pipe is opened anew, because the owner of such a signal is kept per open file. Returns the
// descriptor that must stay open.
int die_with_pipe(int read_end);

}  // namespace forkful
