#pragma once
#include <cstdint>
#include <vector>

namespace forkful {

// Descriptors on their way with a record of a ring: a packet on a SOCK_SEQPACKET socket that lives and dies with the
// ring. The kernel holds what lies in it, so it needs neither its sender nor anybody else to be alive.

// Never blocks. 0 or -errno; -EAGAIN: the socket holds as much as it may.
int send_parcel(int socket, uint64_t id, const std::vector<int>& descriptors);

// Copies of the descriptors of the parcel with this id, which stays where it is; what lies before it is of the dead, or
// nobody's any more, and goes. 1; 0 if there is no such parcel; -EMFILE if this process may have no more descriptors.
int peek_parcel(int socket, uint64_t id, std::vector<int>* out);

// Takes away the first packet; whether there was one.
bool drop_parcel(int socket);

// As many parcels as the system lets a user have wait.
void make_room_for_parcels(int socket);

}  // namespace forkful
