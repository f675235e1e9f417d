#include "core/parcel.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "core/descriptors.h"

namespace forkful {
namespace {

constexpr uint64_t kMagic = 0x6c6372616b726f66;  // "forkarcl"

struct Label {
  uint64_t magic;
  uint64_t id;
};

union ControlBuffer {
  cmsghdr header;
  char bytes[CMSG_SPACE(sizeof(int) * kMaxDescriptors)];
};

}  // namespace

int send_parcel(int socket, uint64_t id, const std::vector<int>& descriptors) {
  if (descriptors.size() > kMaxDescriptors) return -E2BIG;
  Label label{kMagic, id};
  iovec data{&label, sizeof label};
  ControlBuffer control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  return send_with_descriptors(socket, &message, control.bytes, descriptors) < 0 ? -errno : 0;
}

int peek_parcel(int socket, uint64_t id, std::vector<int>* out) {
  for (;;) {
    Label label{};
    iovec data{&label, sizeof label};
    ControlBuffer control{};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    ssize_t received;
    // ECONNRESET tells once that the peer left something unread; what it sent before that comes next.
    do received = recvmsg(socket, &message, MSG_PEEK | MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    while (received < 0 && (errno == EINTR || errno == ECONNRESET));
    if (received <= 0) return 0;
    out->clear();
    collect_descriptors(&message, out);
    const bool is_parcel = received == sizeof label && label.magic == kMagic;
    if (is_parcel && label.id == id && (message.msg_flags & MSG_CTRUNC) == 0) return 1;
    for (const int fd : *out) close(fd);
    out->clear();
    if (is_parcel && label.id == id) return -EMFILE;
    if (is_parcel && static_cast<int64_t>(label.id - id) > 0) return 0;
    if (!drop_parcel(socket)) return 0;
  }
}

bool drop_parcel(int socket) {
  char byte;
  ssize_t received;
  do received = recv(socket, &byte, 1, MSG_DONTWAIT);
  while (received < 0 && (errno == EINTR || errno == ECONNRESET));
  return received > 0;
}

void make_room_for_parcels(int socket) {
  constexpr int kWanted = 8 << 20;  // the system's own bound is usually lower, and is no error
  setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &kWanted, sizeof kWanted);
}

}  // namespace forkful
